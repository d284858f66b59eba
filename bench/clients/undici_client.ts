/** The WebSocket of `undici`, which is the global one of Node from 22 on. */

import { WebSocket } from "undici";
import { measureFlooded, pageConnect } from "./flooded.ts";

await measureFlooded(pageConnect((url) => new WebSocket(url)));
