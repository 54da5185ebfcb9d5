/**
 * A name server for tests, as small as may be: node nameserver.js ADDRESS FILE. Lines of the file: a name and its
 * addresses. It is read for every question; while it is not there nobody gets an answer.
 */
import { createSocket } from 'node:dgram';
import { existsSync, readFileSync } from 'node:fs';

const HEADER = 12;
const TYPE = { A: 1, AAAA: 28 } as const;

const [address = '', file = ''] = process.argv.slice(2);

const bytesOf = (ip: string): Buffer => Buffer.from(ip.split('.').map(Number));

/** The answer: IPv4 addresses only, nothing to be kept. */
const answer = (question: Buffer): Buffer | undefined => {
  if (!existsSync(file)) return undefined;
  const labels: string[] = [];
  let at = HEADER;
  for (let length = question[at]!; length > 0; length = question[at]!) {
    labels.push(question.subarray(at + 1, at + 1 + length).toString());
    at += 1 + length;
  }
  const end = at + 5;
  const type = question.readUInt16BE(at + 1);
  const lines = readFileSync(file, 'utf8').split('\n');
  const line = lines.map((l) => l.split(' ')).find(([name]) => name === labels.join('.').toLowerCase());
  const found = type === TYPE.A ? (line?.slice(1) ?? []) : [];
  const header = Buffer.from(question.subarray(0, HEADER));
  // A reply, recursion available; 3 = there is no such name.
  header.writeUInt16BE(line === undefined ? 0x8183 : 0x8180, 2);
  for (const [i, count] of [1, found.length, 0, 0].entries()) header.writeUInt16BE(count, 4 + 2 * i);
  const records = found.map((ip) => {
    const record = Buffer.alloc(12);
    // Name: the one of the question. Class IN, to be kept for 0 s.
    for (const [i, word] of [0xc000 | HEADER, TYPE.A, 1, 0, 0, 4].entries()) record.writeUInt16BE(word, 2 * i);
    return Buffer.concat([record, bytesOf(ip)]);
  });
  return Buffer.concat([header, question.subarray(HEADER, end), ...records]);
};

const socket = createSocket('udp4');
socket.on('message', (question, from) => {
  const reply = answer(question);
  if (reply !== undefined) socket.send(reply, from.port, from.address);
});
socket.bind(53, address, () => process.stdout.write('ready\n'));
