/** Replies of real daemons, byte for byte: what is read from them and written again is the same. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  encodeReply,
  encodeStatus,
  type ReplyValues,
  readReplyData,
  readReplyHeader,
  readRequestHeader,
} from '../../src/wire/cmdmon/packet.js';
import type { Status } from '../../src/wire/cmdmon/protocol.js';
import { REPLIES, type ReplyName } from '../../src/wire/cmdmon/replies.js';
import { replyForLength, requestByCode } from '../../src/wire/cmdmon/requests.js';
import { fromHex, QUESTIONS, questionBytes, toHex } from '../support/cmdmonraw.js';
import { repoRoot } from '../support/peers.js';

const folder = join(repoRoot, 'test', 'fixtures', 'cmdmon');
const nameOf = (code: number): ReplyName | undefined =>
  (Object.keys(REPLIES) as ReplyName[]).find((name) => REPLIES[name].code === code);

/** The reply as we write it, from what we read in theirs. */
export const rewritten = (request: Uint8Array, reply: Uint8Array): Uint8Array => {
  const asked = readRequestHeader(request)!;
  const header = readReplyHeader(reply)!;
  const name = nameOf(header.reply)!;
  if (name === 'NULL') return encodeStatus(asked, header.status as Status);
  return encodeReply(asked, name, readReplyData(name, reply) as ReplyValues<typeof name>);
};

for (const file of readdirSync(folder).sort()) {
  describe(`captured from ${file.replace('.txt', '')}`, () => {
    const pairs = readFileSync(join(folder, file), 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => line.split(' ') as [string, string, string]);

    it('has every question', () => assert.ok(pairs.length >= QUESTIONS.length));

    for (const [i, [title, request, reply]] of pairs.entries()) {
      it(`${i + 1} ${title}`, () => {
        const [asked, said] = [fromHex(request), fromHex(reply)];
        assert.equal(toHex(questionBytes(QUESTIONS[i]!, i + 1)), request, 'the request, as we write it');
        assert.equal(toHex(rewritten(asked, said)), reply, 'the reply, as we write it');
        assert.ok(said.length <= asked.length);
        const name = requestByCode(readRequestHeader(asked)!.command)!;
        const header = readReplyHeader(said)!;
        // Of the same generation: the layout that we would answer such a request with.
        if (header.status === 0) assert.equal(REPLIES[replyForLength(name, asked.length)!].code, header.reply);
      });
    }
  });
}
