/** Sends bytes to a printer on a serial line or on USB. A person chooses it once; the browser remembers that they did. */

export class NoPrinter extends Error {}

interface SerialPortLike {
  open(options: { baudRate: number }): Promise<void>;
  close(): Promise<void>;
  writable: WritableStream<Uint8Array> | null;
}

interface SerialLike {
  getPorts(): Promise<SerialPortLike[]>;
  requestPort(): Promise<SerialPortLike>;
}

interface UsbEndpoint {
  endpointNumber: number;
  direction: "in" | "out";
}

interface UsbInterface {
  interfaceNumber: number;
  alternate: { interfaceClass: number; endpoints: UsbEndpoint[] };
}

interface UsbDeviceLike {
  opened: boolean;
  configuration: { interfaces: UsbInterface[] } | null;
  open(): Promise<void>;
  close(): Promise<void>;
  selectConfiguration(value: number): Promise<void>;
  claimInterface(number: number): Promise<void>;
  transferOut(endpoint: number, data: Uint8Array): Promise<{ status?: string }>;
}

interface UsbLike {
  getDevices(): Promise<UsbDeviceLike[]>;
  requestDevice(options: { filters: { classCode: number }[] }): Promise<UsbDeviceLike>;
}

const BAUD = 9600;
const PRINTER_CLASS = 7;
const CHUNK = 4096;

function serial(): SerialLike | undefined {
  return (navigator as Navigator & { serial?: SerialLike }).serial;
}

function usb(): UsbLike | undefined {
  return (navigator as Navigator & { usb?: UsbLike }).usb;
}

export function canSerial(): boolean {
  return serial() !== undefined;
}

export function canUsb(): boolean {
  return usb() !== undefined;
}

/** Let a person choose the printer; must be called from a press. Throws: NoPrinter where they chose none. */
export async function choosePort(kind: "serial" | "usb"): Promise<void> {
  try {
    if (kind === "serial") await serial()?.requestPort();
    else await usb()?.requestDevice({ filters: [{ classCode: PRINTER_CLASS }] });
  } catch {
    throw new NoPrinter();
  }
}

/** Send bytes to the chosen printer. Throws: NoPrinter where it is not there or does not take them. */
export async function send(kind: "serial" | "usb", bytes: Uint8Array): Promise<void> {
  try {
    if (kind === "serial") await sendSerial(bytes);
    else await sendUsb(bytes);
  } catch {
    throw new NoPrinter();
  }
}

async function sendSerial(bytes: Uint8Array): Promise<void> {
  const [port] = (await serial()?.getPorts()) ?? [];
  if (!port) throw new NoPrinter();
  await port.open({ baudRate: BAUD });
  try {
    const writer = port.writable?.getWriter();
    if (!writer) throw new NoPrinter();
    await writer.write(bytes);
    await writer.close();
  } finally {
    await port.close();
  }
}

async function sendUsb(bytes: Uint8Array): Promise<void> {
  const [printer] = (await usb()?.getDevices()) ?? [];
  if (!printer) throw new NoPrinter();
  await printer.open();
  try {
    if (printer.configuration === null) await printer.selectConfiguration(1);
    const side = printer.configuration?.interfaces.find((each) => each.alternate.interfaceClass === PRINTER_CLASS);
    const out = side?.alternate.endpoints.find((each) => each.direction === "out");
    if (!side || !out) throw new NoPrinter();
    await printer.claimInterface(side.interfaceNumber);
    for (let from = 0; from < bytes.length; from += CHUNK) await printer.transferOut(out.endpointNumber, bytes.slice(from, from + CHUNK));
  } finally {
    await printer.close();
  }
}
