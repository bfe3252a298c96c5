import { mount } from "svelte";
import "$/ui/tokens.css";
import { currentLanguage, speak } from "$/words/words.svelte";
import App from "./App.svelte";
import { cart } from "./state/cart.svelte";
import { LATER } from "./screens/screens";
import { askToPersist, loop } from "./state/till.svelte";
import { keepOnDevice } from "./update.svelte";

speak(currentLanguage());
await cart.load();
const target = document.getElementById("till");
if (target) mount(App, { target });
performance.mark("till-mounted");
void loop.start();
void keepOnDevice();
void askToPersist();
// The first customer does not wait for them, and whoever needs one later does not wait for a network.
setTimeout(() => void Promise.allSettled(Object.values(LATER).map((load) => load())), 1_500);
