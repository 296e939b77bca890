// A chat server on `ws`, as one would put it into production: rooms by name, a message goes to all
// members of its room, the sender gets an acknowledgement.
//
// Owns      rooms in memory, and the sequence number of each.
// Promises  a message is stringified and encoded once, however many get it; compression is off, and
//           `bufferutil` is used where it is installed; whoever answers no ping is cut off.
// Does not  store, authenticate, or replay: what a member missed is gone.
'use strict';

const { WebSocketServer, WebSocket } = require('ws');

const HEARTBEAT_MS = 25_000;
const ORPHAN_CHECK_MS = 1_000;

const rooms = new Map();

function roomOf(name) {
  let room = rooms.get(name);
  if (room === undefined) {
    room = { seq: 0, members: new Set() };
    rooms.set(name, room);
  }
  return room;
}

function join(socket, request) {
  const name = request.data.room;
  const room = roomOf(name);
  socket.user = request.data.user;
  socket.rooms.add(name);
  room.members.add(socket);
  return { room: name, seq: room.seq, at: Date.now() };
}

function sendMessage(socket, request) {
  const { room: name, cid, kind, text } = request.data;
  if (!socket.rooms.has(name)) return null;
  const room = roomOf(name);
  const seq = ++room.seq;
  const at = Date.now();
  const event = {
    type: 'new_message', room: name, seq, at, data: { sender: socket.user, cid, kind, text },
  };
  const bytes = Buffer.from(JSON.stringify(event));
  for (const member of room.members) {
    if (member.readyState === WebSocket.OPEN) member.send(bytes, { binary: false });
  }
  return { room: name, seq, at };
}

function receive(socket, bytes) {
  let request;
  try {
    request = JSON.parse(bytes);
  } catch {
    return socket.close(1007);
  }
  let data = null;
  if (request.type === 'send_message') data = sendMessage(socket, request);
  else if (request.type === 'join') data = join(socket, request);
  if (data === null) return socket.close(1008);
  socket.send(JSON.stringify({ type: 'ok', ref: request.ref, data }));
}

function leave(socket) {
  for (const name of socket.rooms) {
    const room = rooms.get(name);
    room.members.delete(socket);
    if (room.members.size === 0) rooms.delete(name);
  }
}

const server = new WebSocketServer({
  host: '127.0.0.1', port: 0, path: '/ws', backlog: 4096, perMessageDeflate: false,
});

server.on('connection', (socket) => {
  socket.rooms = new Set();
  socket.isAlive = true;
  socket.on('pong', () => { socket.isAlive = true; });
  socket.on('message', (bytes) => receive(socket, bytes));
  socket.on('close', () => leave(socket));
  // Without a listener the error would end the process; `close` follows anyway.
  socket.on('error', () => {});
});

setInterval(() => {
  for (const socket of server.clients) {
    if (!socket.isAlive) {
      socket.terminate();
      continue;
    }
    socket.isAlive = false;
    socket.ping();
  }
}, HEARTBEAT_MS);

// Whoever started this, and is named by his number, may have been killed.
const parent = Number(process.argv[2]);
setInterval(() => { if (process.ppid !== parent) process.exit(1); }, ORPHAN_CHECK_MS);

server.on('listening', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
