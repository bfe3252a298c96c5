/** The cart on the counter. It is kept as it changes, so that a killed browser finds it again. */
import { DiscountTooLarge, type PricedCart, priceCart, type TenderMethod } from "$/money/carts";
import { newId } from "$/store/ids";
import type { ProductRecord } from "$/store/records";
import { rateOf, setup, store } from "./till.svelte";

export interface CartLine {
  key: string;
  product_id: string;
  name: string;
  unit: string;
  unit_price_cents: number;
  thousandths: number;
  discount_cents: number;
  vat_class: string;
  track_stock: boolean;
}

export interface Buyer {
  id: string;
  name: string;
  /** The command that makes the customer, where the server does not know them yet. */
  command_id: string | null;
}

interface Content {
  lines: CartLine[];
  discount_cents: number;
  buyer: Buyer | null;
}

const EMPTY: Content = { lines: [], discount_cents: 0, buyer: null };

class Cart {
  lines = $state<CartLine[]>([]);
  discountCents = $state(0);
  buyer = $state<Buyer | null>(null);

  readonly count = $derived(this.lines.length);
  readonly priced = $derived(this.price([]));

  /** Price it as paid by these; null where a discount is larger than what it is off. */
  price(methods: readonly TenderMethod[]): PricedCart | null {
    try {
      return priceCart(
        this.lines.map((line) => ({
          unitPriceCents: line.unit_price_cents,
          thousandths: line.thousandths,
          discountCents: line.discount_cents,
          rateBasisPoints: rateOf(line.vat_class),
        })),
        methods,
        { cashRoundingCents: setup.current?.business.cash_rounding_cents ?? 0, cartDiscountCents: this.discountCents },
      );
    } catch (error) {
      if (error instanceof DiscountTooLarge) return null;
      throw error;
    }
  }

  add(product: ProductRecord, thousandths = 1000): void {
    const line = this.lines.find((each) => each.product_id === product.id && each.discount_cents === 0);
    if (line) line.thousandths += thousandths;
    else
      this.lines.push({
        key: newId(),
        product_id: product.id,
        name: product.name,
        unit: product.unit,
        unit_price_cents: product.price_cents,
        thousandths,
        discount_cents: 0,
        vat_class: product.vat_class,
        track_stock: product.track_stock,
      });
    void this.keep();
  }

  change(key: string, change: Partial<Pick<CartLine, "thousandths" | "discount_cents">>): void {
    const line = this.lines.find((each) => each.key === key);
    if (!line) return;
    Object.assign(line, change);
    if (line.thousandths <= 0) this.lines = this.lines.filter((each) => each.key !== key);
    void this.keep();
  }

  discount(cents: number): void {
    this.discountCents = cents;
    void this.keep();
  }

  sellTo(buyer: Buyer | null): void {
    this.buyer = buyer;
    void this.keep();
  }

  async clear(): Promise<void> {
    this.fill(EMPTY);
    await this.keep();
  }

  /** Put it aside under a name, and begin an empty one. */
  async hold(label: string): Promise<void> {
    await store.carts.add({ id: newId(), held_at: Date.now(), label, cart: this.content() });
    await this.clear();
  }

  /** Take a held cart back; what is on the counter is held instead of lost. */
  async resume(id: string, labelOfCurrent: string): Promise<void> {
    const held = await store.carts.get(id);
    if (!held) return;
    if (this.lines.length > 0) await this.hold(labelOfCurrent);
    this.fill(held.cart as Content);
    await store.carts.delete(id);
    await this.keep();
  }

  /** Read what was on the counter when the window was closed. */
  async load(): Promise<void> {
    this.fill((await store.read<Content>("cart")) ?? EMPTY);
  }

  private fill(content: Content): void {
    this.lines = structuredClone(content.lines);
    this.discountCents = content.discount_cents;
    this.buyer = content.buyer;
  }

  private content(): Content {
    return $state.snapshot({ lines: this.lines, discount_cents: this.discountCents, buyer: this.buyer });
  }

  private async keep(): Promise<void> {
    await store.keep("cart", this.content());
  }
}

export const cart = new Cart();
