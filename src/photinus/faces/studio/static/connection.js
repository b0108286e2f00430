// The socket to the server. The page asks for each frame, so nothing piles up on either side.

import { unpacked } from "./frames.js";

const MOST_WAITING = 2;
const FIRST_WAIT = 250, LONGEST_WAIT = 4000; // ms between tries to connect again

export class Connection {
  constructor(url, { opened, received, lost }) {
    Object.assign(this, { url, opened, received, lost, waiting: 0, wait: FIRST_WAIT });
    this.connect();
  }

  connect() {
    const socket = (this.socket = new WebSocket(this.url));
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.waiting = 0;
      this.wait = FIRST_WAIT;
      this.opened();
    };
    socket.onmessage = ({ data }) => {
      const frame = unpacked(data);
      // Only a frame answers a question; whatever else comes, what was asked before is void.
      this.waiting = frame.kind === "frame" ? Math.max(0, this.waiting - 1) : 0;
      this.received(frame);
    };
    socket.onclose = () => {
      this.lost();
      setTimeout(() => this.connect(), this.wait);
      this.wait = Math.min(2 * this.wait, LONGEST_WAIT);
    };
  }

  say(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  ask() {
    if (this.socket.readyState !== WebSocket.OPEN || this.waiting >= MOST_WAITING) return;
    this.waiting += 1;
    this.say({ say: "more" });
  }
}
