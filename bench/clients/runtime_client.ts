/** The runtime's own WebSocket. */

import { measureFlooded } from "./flooded.ts";

await measureFlooded((url, heard) => {
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => heard(data);
  return new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
});
