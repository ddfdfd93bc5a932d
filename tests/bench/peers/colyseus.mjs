// What a speed measurement is compared with: rooms of Colyseus in which players walk.
//
//     node colyseus.mjs FOLDER     (in which npm has installed it)
//
// Says its port. A room has 20 players, who all see each other; at each tick everybody has walked,
// and the room sends its players what has changed: about 360 bytes. Ticks are on the clock's 20ths
// of a second, so that how late they come can be told.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { join } from "node:path";

const require = createRequire(pathToFileURL(join(process.argv[2], "here.js")));
const { Server, Room } = require("@colyseus/core");
const { WebSocketTransport } = require("@colyseus/ws-transport");
const { MapSchema, Schema, defineTypes } = require("@colyseus/schema");

const HERTZ = 20;

class Walker extends Schema {}
defineTypes(Walker, { x: "float32", y: "float32", turn: "float32" });

class Everybody extends Schema {
    constructor() {
        super();
        this.players = new MapSchema();
    }
}
defineTypes(Everybody, { players: { map: Walker } });

class Meadow extends Room {
    maxClients = 20;

    onCreate() {
        this.setState(new Everybody());
        this.setPatchRate(null);
        this.speeds = new Map();
        this.onMessage(1, (client, body) => {
            const at = new DataView(body.buffer, body.byteOffset);
            this.speeds.set(client.sessionId, [at.getFloat32(4, true), at.getFloat32(8, true)]);
        });
        const tick = () => {
            for (const [who, walker] of this.state.players) {
                const [vx, vy] = this.speeds.get(who) ?? [1, 1];
                walker.x = (walker.x + vx / HERTZ + 1000) % 1000;
                walker.y = (walker.y + vy / HERTZ + 1000) % 1000;
                walker.turn += 0.1;
            }
            this.broadcastPatch();
            const now = Date.now();
            this.next = setTimeout(tick, (Math.floor((now * HERTZ) / 1000) + 1) * (1000 / HERTZ) - now);
        };
        tick();
    }

    onJoin(client) {
        const walker = new Walker();
        Object.assign(walker, { x: Math.random() * 1000, y: Math.random() * 1000, turn: 0 });
        this.state.players.set(client.sessionId, walker);
    }

    onLeave(client) {
        this.state.players.delete(client.sessionId);
    }
}

const http = createServer();
const server = new Server({ transport: new WebSocketTransport({ server: http }), greet: false });
server.define("meadow", Meadow);
await server.listen(0, "127.0.0.1");
console.log(http.address().port);
