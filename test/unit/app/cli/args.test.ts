import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseArgs } from '../../../../src/app/cli/args.js';
import { SyntaxFault, toAddress, toInt, toMasked, toNumber, toSubnet } from '../../../../src/app/cli/syntax.js';
import { parseIp } from '../../../../src/base/ip.js';

const ip = (text: string) => parseIp(text)!;

describe('app/cli options', () => {
  it('has chronyc defaults', () => {
    const o = parseArgs([], false);
    assert.deepEqual(o.servers, ['/run/chrony/chronyd.sock', '127.0.0.1', '::1']);
    assert.deepEqual([o.port, o.naming, o.csv, o.family, o.words], [323, 'dns', false, 0, []]);
  });
  it('takes grouped flags and attached or following values', () => {
    const o = parseArgs(['-nc6', '-p11323', '-h', '/tmp/x,localhost', 'sources', '-v'], false);
    assert.deepEqual(
      [o.naming, o.csv, o.family, o.port, o.servers, o.words],
      ['numeric', true, 6, 11323, ['/tmp/x', 'localhost'], ['sources', '-v']],
    );
  });
  it('leaves options behind the command to the command', () => {
    assert.deepEqual(parseArgs(['tracking', '-c'], false), { ...parseArgs([], false), words: ['tracking', '-c'] });
  });
  it('ends options at --', () => assert.deepEqual(parseArgs(['--', '-n'], false).words, ['-n']));
  it('knows --json before and after the command, but not as chronyc', () => {
    for (const argv of [
      ['--json', 'tracking'],
      ['tracking', '--json'],
    ]) {
      const o = parseArgs(argv, true);
      assert.deepEqual([o.json, o.words], [true, ['tracking']]);
    }
    assert.throws(() => parseArgs(['--json', 'tracking'], false), SyntaxFault);
  });
  for (const argv of [['-q'], ['-nq'], ['-h'], ['-p'], ['--nonsense']]) {
    it(`refuses ${argv.join(' ')}`, () => assert.throws(() => parseArgs(argv, true), SyntaxFault));
  }
});

describe('app/cli words', () => {
  it('reads numbers strictly', () => {
    assert.deepEqual([toInt('-3', ''), toNumber('1e-3', ''), toNumber('.5', '')], [-3, 0.001, 0.5]);
    for (const word of [undefined, '', 'x', '1x', '1.5', '99999999999'])
      assert.throws(() => toInt(word, 'no'), /^Error: no$/);
    for (const word of [undefined, '', 'x', '1x', 'e3', 'Infinity', '0x10'])
      assert.throws(() => toNumber(word, 'no'), /^Error: no$/);
  });
  it('reads addresses and source ids', async () => {
    assert.deepEqual(await toAddress('2001:db8::1', 0, ''), ip('2001:db8::1'));
    assert.equal(await toAddress('ID#0000000012', 0, ''), 12);
    await assert.rejects(toAddress(undefined, 0, 'no'), /^Error: no$/);
  });
  const subnets: readonly [string | undefined, string | undefined, number][] = [
    [undefined, undefined, 0],
    ['10', '10.0.0.0', 8],
    ['10.1', '10.1.0.0', 16],
    ['10.1/12', '10.1.0.0', 12],
    ['1.2.3.4', '1.2.3.4', 32],
    ['1.2.3.0/24', '1.2.3.0', 24],
    ['::1/64', '::1', 64],
    ['::1', '::1', 128],
    ['1.2.3.0/33', '1.2.3.0', 33],
  ];
  for (const [word, address, bits] of subnets) {
    it(`reads subnet ${word}`, async () => {
      assert.deepEqual(await toSubnet(word, 0), { address: address === undefined ? undefined : ip(address), bits });
    });
  }
  it('refuses what is no subnet', async () => {
    for (const word of ['1.2.3.4/x', '1/2/3', 'foo/3']) await assert.rejects(toSubnet(word, 0), SyntaxFault, word);
  });
  it('reads masks', async () => {
    assert.deepEqual(await toMasked(undefined, 0), { mask: undefined, address: undefined });
    assert.deepEqual(await toMasked('255.255.0.0/10.1.0.0', 0), { mask: ip('255.255.0.0'), address: ip('10.1.0.0') });
    assert.deepEqual(await toMasked('10.1.0.0/20', 0), { mask: ip('255.255.240.0'), address: ip('10.1.0.0') });
    assert.deepEqual(await toMasked('10.1.0.1', 0), { mask: ip('255.255.255.255'), address: ip('10.1.0.1') });
    assert.deepEqual(await toMasked('2001:db8::/33', 0), { mask: ip('ffff:ffff:8000::'), address: ip('2001:db8::') });
    await assert.rejects(toMasked('a/b', 0), /Invalid syntax for mask/);
  });
});
