/**
 * A wedge scanner types a code faster than a hand and ends with Enter. What is typed into a field stays there, unless it came as
 * fast as only a scanner types.
 */
const BETWEEN_MS = 45;
const SHORTEST = 4;

/** Return an attachment for the window that calls `scanned` with each code. */
export function wedge(scanned: (code: string) => void): (target: Window) => () => void {
  return (target) => {
    let code = "";
    let last = 0;
    const listen = (event: KeyboardEvent): void => {
      const isFast = event.timeStamp - last < BETWEEN_MS;
      last = event.timeStamp;
      if (event.key === "Enter") {
        if (isFast && code.length >= SHORTEST) {
          event.preventDefault();
          event.stopPropagation();
          if (event.target instanceof HTMLInputElement) {
            event.target.value = event.target.value.replace(code, "");
            event.target.dispatchEvent(new Event("input", { bubbles: true }));
          }
          scanned(code);
        }
        code = "";
      } else if (event.key.length === 1) {
        code = isFast ? code + event.key : event.key;
      }
    };
    target.addEventListener("keydown", listen, true);
    return () => target.removeEventListener("keydown", listen, true);
  };
}
