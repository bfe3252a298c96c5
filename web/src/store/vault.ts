/**
 * PIN verifiers lie on the device encrypted under a key that WebCrypto lets nobody take out, so a copied database file opens no PIN.
 * A PIN is checked here with no network, by Argon2id; what a stolen device is worth is bounded by the limits the server keeps.
 */
import type { Store } from "./store";

export interface Sealed {
  iv: Uint8Array<ArrayBuffer>;
  data: ArrayBuffer;
}

/** Encrypt a text for this device. */
export async function seal(store: Store, text: string): Promise<Sealed> {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const data = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, await keyOf(store), new TextEncoder().encode(text));
  return { iv, data };
}

/** Return the text that was sealed here. */
export async function unseal(store: Store, sealed: Sealed): Promise<string> {
  const key = await keyOf(store);
  return new TextDecoder().decode(await crypto.subtle.decrypt({ name: "AES-GCM", iv: sealed.iv }, key, sealed.data));
}

/** Tell whether a PIN is the one that a verifier (a PHC string of Argon2id) was made from. */
export async function isRightPin(pin: string, verifier: string): Promise<boolean> {
  const { argon2Verify } = await import("hash-wasm");
  return argon2Verify({ password: pin, hash: verifier });
}

async function keyOf(store: Store): Promise<CryptoKey> {
  const kept = await store.read<CryptoKey>("vault");
  if (kept) return kept;
  const made = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  // Whoever was first keeps theirs: another tab may have made one meanwhile.
  return store.transaction("rw", store.kept, async () => {
    const now = await store.read<CryptoKey>("vault");
    if (now) return now;
    await store.keep("vault", made);
    return made;
  });
}
