/** The runtime's own WebSocket. */

import { measureFlooded, pageConnect } from "./flooded.ts";

await measureFlooded(pageConnect((url) => new WebSocket(url)));
