import { mount } from "svelte";
import "$/ui/tokens.css";
import { currentLanguage, speak } from "$/words/words.svelte";
import App from "./App.svelte";
import { cart } from "./state/cart.svelte";
import { askToPersist, loop } from "./state/till.svelte";
import { keepOnDevice } from "./update.svelte";

speak(currentLanguage());
await cart.load();
const target = document.getElementById("till");
if (target) mount(App, { target });
void loop.start();
void keepOnDevice();
void askToPersist();
