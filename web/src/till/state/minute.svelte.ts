/** What time it is, often enough for ages on the screen. */
let now = $state(Date.now());
setInterval(() => {
  now = Date.now();
}, 10_000);

export const minute = {
  get now(): number {
    return now;
  },
};
