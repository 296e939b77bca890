// A chat server on Socket.IO, as its documentation recommends it for production: rooms by name, a
// message goes to all members of its room, the sender gets an acknowledgement.
//
// Owns      the sequence number of each room; the rooms are Socket.IO's own.
// Promises  WebSocket only, compression off, `bufferutil` where it is installed, and the first HTTP
//           request of a socket is let go (https://socket.io/docs/v4/memory-usage/).
// Does not  store, authenticate, or replay: what a member missed is gone.
'use strict';

const { createServer } = require('node:http');
const { Server } = require('socket.io');

const ORPHAN_CHECK_MS = 1_000;

const server = createServer();
const io = new Server(server, {
  transports: ['websocket'], perMessageDeflate: false, httpCompression: false, serveClient: false,
});

const seqs = new Map();

io.engine.on('connection', (raw) => { raw.request = null; });

io.of('/').adapter.on('delete-room', (room) => seqs.delete(room));

io.on('connection', (socket) => {
  socket.on('join', ({ room, user }, acknowledge) => {
    socket.data.user = user;
    socket.join(room);
    acknowledge({ room, seq: seqs.get(room) ?? 0, at: Date.now() });
  });

  socket.on('send_message', ({ room, cid, kind, text }, acknowledge) => {
    if (!socket.rooms.has(room)) return socket.disconnect();
    const seq = (seqs.get(room) ?? 0) + 1;
    const at = Date.now();
    seqs.set(room, seq);
    const data = { sender: socket.data.user, cid, kind, text };
    io.to(room).emit('new_message', { room, seq, at, data });
    acknowledge({ room, seq, at });
  });
});

// Whoever started this, and is named by his number, may have been killed.
const parent = Number(process.argv[2]);
setInterval(() => { if (process.ppid !== parent) process.exit(1); }, ORPHAN_CHECK_MS);

server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
