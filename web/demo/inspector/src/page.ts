// The page of the inspector. The engine is inside, so that the page is one file.

import "alluvium/inline";
import { mountInspector } from "alluvium/inspector";

// Files may be dropped anywhere on the page.
mountInspector(document.querySelector("main")!, { dropTarget: window });
