// What makes the pages quick. Everything works without it: links, forms and addresses are those of the server, and this only
// fetches in place of the browser, so that what stands on a page stays where it is.

import { start as keys } from "./keys.js";
import { start as opinions } from "./opinions.js";
import { start as navigation } from "./navigation.js";

document.documentElement.classList.add("scripted");
navigation();
opinions();
keys();
