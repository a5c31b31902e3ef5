// What makes the pages quick. Everything that is read works without it: links, forms and addresses are those of the server, and this
// only fetches in place of the browser, so that what stands on a page stays where it is.

import { start as api } from "./api.js";
import { start as keys } from "./keys.js";
import { start as navigation } from "./navigation.js";
import { start as opinions } from "./opinions.js";
import { start as suggest } from "./suggest.js";

document.documentElement.classList.add("scripted");
api();
navigation();
opinions();
keys();
suggest();
