/**
 * Money in integer cents, exactly as `payme.kit.money` has it; `web/vectors/money.json` holds both to the same answers.
 *
 * Amounts are integers within ±2^53; products of them are not, so every division works on BigInt. Nothing here is a fraction.
 */

const BASIS_POINTS = 10_000;
const THOUSANDTHS = 1_000;

/** Return numerator ÷ denominator rounded to the nearest integer, halves away from zero. */
export function divideHalfUp(numerator: bigint, denominator: bigint): number {
  const size = numerator < 0n ? -numerator : numerator;
  const rounded = (2n * size + denominator) / (2n * denominator);
  return Number(numerator < 0n ? -rounded : rounded);
}

/** Split an amount in proportion to weights; the parts add up to the total. All weights zero: the first part takes everything. */
export function allocate(totalCents: number, weights: readonly number[]): number[] {
  const whole = BigInt(sum(weights));
  if (whole === 0n) return weights.map((_, position) => (position === 0 ? totalCents : 0));
  const total = BigInt(totalCents);
  let seen = 0n;
  let handedOut = 0;
  return weights.map((weight) => {
    seen += BigInt(weight);
    const share = divideHalfUp(total * seen, whole) - handedOut;
    handedOut += share;
    return share;
  });
}

/** Return the VAT inside a tax-inclusive amount, half-up to the cent. */
export function vatIncluded(grossCents: number, rateBasisPoints: number): number {
  return divideHalfUp(BigInt(grossCents) * BigInt(rateBasisPoints), BigInt(BASIS_POINTS + rateBasisPoints));
}

/** Return price × quantity, half-up to the cent; the quantity is in thousandths. */
export function lineAmount(unitPriceCents: number, thousandths: number): number {
  return divideHalfUp(BigInt(unitPriceCents) * BigInt(thousandths), BigInt(THOUSANDTHS));
}

/** Return the nearest multiple of a cash-rounding step, halves up; a step of 0 leaves the amount alone. */
export function roundToStep(amountCents: number, stepCents: number): number {
  return stepCents === 0 ? amountCents : divideHalfUp(BigInt(amountCents), BigInt(stepCents)) * stepCents;
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
