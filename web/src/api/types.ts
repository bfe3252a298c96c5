/** The API's words by the names that the till uses them under; what changes there is a type error here. */
import type { components } from "./schema";

type Schemas = components["schemas"];

export type CommandView = Schemas["CommandView"];
export type CredentialMade = Schemas["CredentialMade"];
export type CreateSale = Schemas["CreateSale"];
export type DeviceRegistered = Schemas["DeviceRegistered"];
export type DeviceSetUp = Schemas["DeviceSetUp"];
export type PulledPage = Schemas["PulledPage"];
export type Reconciled = Schemas["Reconciled"];
export type SaleView = Schemas["SaleView"];
export type StaffAtDevice = Schemas["StaffAtDevice"];
