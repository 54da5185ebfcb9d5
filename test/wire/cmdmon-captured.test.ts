/** Replies of real daemons, byte for byte: what is read from them and written again is the same. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readReplyHeader, readRequestHeader } from '../../src/wire/cmdmon/packet.js';
import { REPLIES } from '../../src/wire/cmdmon/replies.js';
import { replyForLength, requestByCode } from '../../src/wire/cmdmon/requests.js';
import { fromHex, QUESTIONS, questionBytes, rewritten, toHex } from '../support/cmdmonraw.js';
import { repoRoot } from '../support/peers.js';

const folder = join(repoRoot, 'test', 'fixtures', 'cmdmon');
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
