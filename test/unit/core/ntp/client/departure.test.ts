import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../../../../src/base/prng.js';
import { Departure } from '../../../../../src/core/ntp/client/departure.js';

interface Server {
  /** s from the stamp in a reply to its departure, and what is added where somebody wants to know it. */
  readonly lead: number;
  readonly asked: number;
  /** Mean wait on the way, s. */
  readonly wait: number;
  /** Questions before it begins to keep departures. */
  readonly deaf: number;
}

const PATH = 3e-6;
const SERVER: Server = { lead: 6e-6, asked: 3e-6, wait: 1e-7, deaf: 1 };

/** Asks `n` times; returns the corrections of the basic replies and the questions that were asked. */
const ask = (departure: Departure, n: number, server: Server, seed = 1): { leads: number[]; questions: number } => {
  const rng = new Prng(seed);
  const leads: number[] = [];
  let deaf = server.deaf;
  let questions = 0;
  for (let i = 0; i < n; i++) {
    const question = departure.asks;
    if (question) questions++;
    const lead = server.lead + (question ? server.asked * (1 + rng.exponential()) : 1e-7 * rng.exponential());
    const delay = PATH + server.wait * rng.exponential() + lead;
    if (!question) {
      departure.basic(delay);
      leads.push(departure.lead(delay));
      deaf = server.deaf;
    } else if (deaf-- > 0) departure.refused();
    else departure.answered(lead, delay);
  }
  return { leads, questions };
};

describe('departure of basic replies', () => {
  it('is known to a fraction of a microsecond on a quiet path, though the question itself holds a reply up', () => {
    const { leads } = ask(new Departure(), 200, SERVER);
    assert.equal(leads[0], 0);
    for (const lead of leads.slice(-50)) assert.ok(Math.abs(lead - SERVER.lead) < 0.5e-6, `${lead}`);
  });

  it('on a noisy path by what the server says alone', () => {
    const { leads } = ask(new Departure(), 400, { ...SERVER, wait: 2e-3 });
    for (const lead of leads.slice(-50)) assert.ok(lead >= 0 && lead < 14e-6, `${lead}`);
    assert.ok(leads.at(-1)! > 6e-6);
  });

  it('costs one reply in about thirty, after the start', () => {
    const departure = new Departure();
    assert.equal(ask(departure, 8, SERVER).questions, 0);
    ask(departure, 40, SERVER);
    // Two questions each time: with the first this server begins to remember.
    assert.equal(ask(departure, 330, SERVER).questions, 20);
  });

  it('a server that does not know the question is not asked for ever, and nothing is added', () => {
    const { leads, questions } = ask(new Departure(), 500, { ...SERVER, deaf: Number.POSITIVE_INFINITY });
    assert.equal(questions, 4);
    assert.ok(leads.every((lead) => lead === 0));
  });

  it('what cannot be is not believed: longer than the round trip, or a millisecond', () => {
    for (const [lead, delay] of [
      [5e-6, 4e-6],
      [2e-3, 1],
      [-2e-3, 1],
    ] as const) {
      const departure = new Departure();
      departure.basic(delay);
      for (let i = 0; i < 20; i++) departure.answered(lead, delay);
      assert.equal(departure.isKnown, false, `${lead}`);
    }
  });

  it('no reply is made faster than the fastest', () => {
    const departure = new Departure();
    ask(departure, 200, SERVER);
    assert.ok(departure.lead(PATH + 2e-6) < 2.1e-6);
    assert.equal(departure.lead(PATH / 2), 0);
  });

  it('it may be another server after a reset', () => {
    const departure = new Departure();
    ask(departure, 200, SERVER);
    assert.equal(departure.isKnown, true);
    departure.reset();
    assert.equal(departure.isKnown, false);
    assert.equal(departure.lead(9e-6), 0);
  });
});
