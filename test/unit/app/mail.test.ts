import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { MailOnChange } from '../../../src/app/daemon/mail.js';
import { fromUnix, type Instant } from '../../../src/base/time.js';
import type { Effect } from '../../../src/engine/events.js';

const dir = mkdtempSync(join(tmpdir(), 'timeball-mail-'));
after(() => rmSync(dir, { recursive: true }));

const until = async (what: () => boolean): Promise<void> => {
  for (let i = 0; i < 200 && !what(); i++) await sleep(10);
  assert.ok(what());
};

const wrong = (at: Instant, offset: number): Effect => ({
  kind: 'fact',
  fact: { severity: 'debug', name: 'discipline.wrong', text: '', at, fields: { offset } },
});

const sendmail = (name: string, body: string): string => {
  const path = join(dir, name);
  writeFileSync(path, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  return path;
};

const mail = (programs: readonly string[], warnings: string[] = []): MailOnChange =>
  new MailOnChange({
    address: 'ops@example.org',
    threshold: 0.5,
    programs,
    program: 'chronyd',
    warn: (t) => warnings.push(t),
  });

describe('mailonchange', () => {
  it('sends one mail for each correction beyond the threshold, through the first sendmail there is', async () => {
    const out = join(dir, 'mail');
    const good = sendmail('good', `echo "$@" >> ${out}; cat >> ${out}; echo done >> ${out}`);
    const m = mail([join(dir, 'missing'), good]);
    m.look([wrong(fromUnix(1_795_225_324), 0.499)]);
    m.look([wrong(fromUnix(1_795_225_340), -1.25), { kind: 'exit', code: 0, reason: '' }]);
    await until(() => existsSync(out) && readFileSync(out, 'utf8').includes('done'));
    const text = readFileSync(out, 'utf8');
    assert.match(text, /^-t\nTo: ops@example\.org\nSubject: chronyd reports change to system clock on node \[/);
    assert.match(text, /At 2026-11-21T01:42:20Z .* wrong by -1\.250 seconds/);
    assert.equal(text.split('To:').length, 2);
  });

  it('without a sendmail, or with one that fails, it says so', async () => {
    const warnings: string[] = [];
    mail([join(dir, 'missing')], warnings).look([wrong(fromUnix(1), 1)]);
    await until(() => warnings.length === 1);
    mail([sendmail('bad', 'exit 3')], warnings).look([wrong(fromUnix(1), 1)]);
    await until(() => warnings.length === 2);
    assert.deepEqual(new Set(warnings), new Set(['Could not send mail notification to user ops@example.org']));
  });
});
