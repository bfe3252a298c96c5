import { mount } from "svelte";
import App from "./App.svelte";
const target = document.getElementById("till");
if (target) mount(App, { target });
