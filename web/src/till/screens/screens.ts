/** Every screen by the word in its address. A new screen is a file beside this one and a line here. */
import type { Component } from "svelte";
import Attention from "./Attention.svelte";
import More from "./More.svelte";
import Pay from "./Pay.svelte";
import Receipt from "./Receipt.svelte";
import Sales from "./Sales.svelte";
import Sell from "./Sell.svelte";
import Sync from "./Sync.svelte";

type Later = () => Promise<{ default: Component }>;

export const SCREENS: Readonly<Record<string, Component>> = {
  sell: Sell,
  pay: Pay,
  receipt: Receipt,
  sales: Sales,
  attention: Attention,
  sync: Sync,
  more: More,
};

/** Those that nobody waits for in a queue of customers: fetched from the device when they are first shown. */
export const LATER: Readonly<Record<string, Later>> = {
  refund: () => import("./Refund.svelte"),
  void: () => import("./Void.svelte"),
  outcome: () => import("./Outcome.svelte"),
  shift: () => import("./Shift.svelte"),
  expense: () => import("./Expense.svelte"),
  receive: () => import("./Receive.svelte"),
  stock: () => import("./Stock.svelte"),
  customers: () => import("./Customers.svelte"),
  printer: () => import("./Printer.svelte"),
};
