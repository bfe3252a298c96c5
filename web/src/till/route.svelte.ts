/** Where the person is: `#/sale/0193…` is the screen `sale` with one argument. The address survives a reload; the browser's back works. */

export interface Place {
  screen: string;
  argument: string | null;
}

function read(): Place {
  const [screen, argument] = location.hash.replace(/^#\//, "").split("/");
  return { screen: screen || "sell", argument: argument ? decodeURIComponent(argument) : null };
}

let place = $state.raw(read());
globalThis.addEventListener("hashchange", () => {
  place = read();
});

export const route = {
  get screen(): string {
    return place.screen;
  },
  get argument(): string | null {
    return place.argument;
  },
};

/** Show another screen. */
export function go(screen: string, argument?: string): void {
  location.hash = argument === undefined ? `/${screen}` : `/${screen}/${encodeURIComponent(argument)}`;
}
