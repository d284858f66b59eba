/** Which host, dialer and clock this runtime gets; binds `Client` and `Listener` to them. The one line to change. */

import { Client as AnyClient, type ClientConfiguration } from "../client/client.ts";
import { Listener as AnyListener, type ListenerConfiguration } from "../service/listener.ts";
import { nodeRuntime } from "./node/node_runtime.ts";
