import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseIp } from '../../../../src/base/ip.js';
import { type AccessRule, AccessTree, type Family } from '../../../../src/core/access/tree.js';

const rule = (text: string): AccessRule => {
  const [action, ...rest] = text.split(' ');
  const all = rest[0] === 'all';
  const net = rest[all ? 1 : 0];
  if (net === undefined) return { allow: action === 'allow', all, subnet: undefined };
  const [host, bits] = net.split('/');
  const address = parseIp(host!)!;
  const family = address.length === 4 ? 4 : 6;
  return { allow: action === 'allow', all, subnet: { family, address, bits: Number(bits ?? address.length * 8) } };
};
const tree = (...rules: string[]): AccessTree => {
  const t = new AccessTree();
  for (const r of rules) t.apply(rule(r));
  return t;
};
const allowed = (t: AccessTree, host: string): boolean => {
  const address = parseIp(host)!;
  return t.isAllowedAddress(address.length === 4 ? 4 : 6, address);
};

describe('access tree', () => {
  const cases: [string, string[], string, boolean][] = [
    ['nothing is allowed by default', [], '192.0.2.1', false],
    ['allow without a network is everybody, IPv4', ['allow'], '192.0.2.1', true],
    ['allow without a network is everybody, IPv6', ['allow'], '2001:db8::1', true],
    ['one family does not speak for the other', ['allow 0.0.0.0/0'], '2001:db8::1', false],
    ['inside the network', ['allow 10.1.0.0/16'], '10.1.255.255', true],
    ['next to the network', ['allow 10.1.0.0/16'], '10.2.0.0', false],
    ['a host', ['allow 192.0.2.7'], '192.0.2.7', true],
    ['beside the host', ['allow 192.0.2.7'], '192.0.2.6', false],
    ['odd lengths: in', ['allow 10.0.0.0/13'], '10.7.255.255', true],
    ['odd lengths: out', ['allow 10.0.0.0/13'], '10.8.0.0', false],
    ['the more specific decides', ['allow 10.0.0.0/8', 'deny 10.1.0.0/16'], '10.1.2.3', false],
    ['in either order', ['deny 10.1.0.0/16', 'allow 10.0.0.0/8'], '10.1.2.3', false],
    ['also inside one nibble', ['deny 10.1.0.0/15', 'allow 10.0.0.0/14'], '10.1.2.3', false],
    ['the rest follows the wider rule', ['deny 10.0.0.0/15', 'allow 10.0.0.0/14'], '10.2.2.3', true],
    ['all erases what is more specific', ['deny 10.1.0.0/16', 'allow all 10.0.0.0/8'], '10.1.2.3', true],
    ['all erases inside one nibble', ['deny 10.1.0.0/15', 'allow all 10.0.0.0/14'], '10.1.2.3', true],
    ['all erases nothing outside', ['deny 11.1.0.0/16', 'allow', 'deny all 10.0.0.0/8'], '11.1.2.3', false],
    [
      'all without a network erases everything',
      ['deny 10.1.0.0/16', 'deny 2001:db8::/32', 'allow all'],
      '2001:db8::1',
      true,
    ],
    ['a later rule of the same network wins', ['allow 10.0.0.0/8', 'deny 10.0.0.0/8'], '10.0.0.1', false],
    ['rules added after all count again', ['allow all', 'deny 10.1.0.0/16'], '10.1.2.3', false],
    ['IPv6 network', ['allow 2001:db8::/33'], '2001:db8:7fff::1', true],
    ['IPv6 outside', ['allow 2001:db8::/33'], '2001:db8:8000::1', false],
    ['IPv6 host', ['allow ::1'], '::1', true],
    ['IPv6 beside the host', ['allow ::1'], '::2', false],
  ];
  for (const [name, rules, host, expected] of cases) {
    it(name, () => assert.equal(allowed(tree(...rules), host), expected));
  }

  it('knows whether anybody can be allowed', () => {
    assert.equal(tree().anyAllowed(4), false);
    assert.equal(tree('deny 10.0.0.0/8').anyAllowed(4), false);
    assert.deepEqual([tree('allow 10.0.0.1').anyAllowed(4), tree('allow 10.0.0.1').anyAllowed(6)], [true, false]);
    assert.equal(tree('allow').anyAllowed(6), true);
  });

  it('refuses a prefix that does not fit, with a code', () => {
    const bad = (family: Family, size: number, bits: number) => () =>
      new AccessTree().apply({ allow: true, all: false, subnet: { family, address: new Uint8Array(size), bits } });
    for (const f of [bad(4, 4, 33), bad(4, 4, -1), bad(4, 16, 8), bad(6, 16, 129), bad(6, 4, 8), bad(4, 4, 1.5)]) {
      assert.throws(f, { code: 'ERR_TB_USAGE' });
    }
  });

  it('gives the same verdict as the definition (longest prefix; all forgets), whatever the rules', () => {
    const anyRule = fc.record({
      allow: fc.boolean(),
      all: fc.boolean(),
      value: fc.integer({ min: 0, max: 0xfff }).map((x) => (x << 20) >>> 0),
      bits: fc.integer({ min: 0, max: 12 }),
    });
    const covers = (r: { value: number; bits: number }, host: number): boolean =>
      r.bits === 0 || (host ^ r.value) >>> (32 - r.bits) === 0;
    fc.assert(
      fc.property(fc.array(anyRule, { maxLength: 12 }), fc.array(fc.nat(0xfff), { maxLength: 8 }), (rules, hosts) => {
        const t = new AccessTree();
        let kept: typeof rules = [];
        for (const r of rules) {
          const address = Uint8Array.of(r.value >>> 24, (r.value >>> 16) & 255, (r.value >>> 8) & 255, 0);
          t.apply({ allow: r.allow, all: r.all, subnet: { family: 4, address, bits: r.bits } });
          if (r.all) kept = kept.filter((k) => !(k.bits >= r.bits && covers(r, k.value)));
          kept.push(r);
        }
        for (const h of hosts) {
          const host = (h << 20) >>> 0;
          const best = kept
            .filter((k) => covers(k, host))
            .reduce<(typeof kept)[0] | undefined>((a, b) => (a === undefined || b.bits >= a.bits ? b : a), undefined);
          assert.equal(t.isAllowed(4, host, 0, 0, 0), best?.allow ?? false);
        }
      }),
      { seed: 4, numRuns: 400 },
    );
  });

  it('takes thousands of networks and gives their memory back', () => {
    const t = new AccessTree();
    const net = (i: number): string => `10.${i >> 8}.${i & 255}.0/24`;
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 5000; i++) t.apply(rule(`allow ${net(i)}`));
      assert.equal(allowed(t, '10.19.135.1'), true);
      assert.equal(allowed(t, '10.19.136.1'), false);
      t.apply(rule('deny all'));
      assert.equal(allowed(t, '10.19.135.1'), false);
    }
  });
});
