/** Kenyan mobile numbers as people write them; the server has the last word. */
const FORM = /^(?:\+?254|0)(?:7|1)\d{8}$/;

export function isPhone(text: string): boolean {
  return FORM.test(text.replace(/[\s-]/g, ""));
}
