/** Every screen by the word in its address. A new screen is a file beside this one and a line here. */
import type { Component } from "svelte";
import Attention from "./Attention.svelte";
import More from "./More.svelte";
import Pay from "./Pay.svelte";
import Receipt from "./Receipt.svelte";
import Sales from "./Sales.svelte";
import Sell from "./Sell.svelte";
import Sync from "./Sync.svelte";

export const SCREENS: Readonly<Record<string, Component>> = {
  sell: Sell,
  pay: Pay,
  receipt: Receipt,
  sales: Sales,
  attention: Attention,
  sync: Sync,
  more: More,
};
