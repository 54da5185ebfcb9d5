import { lookup } from 'node:dns/promises';
import { CodedError } from '../../base/errors.js';
import type { AccessRule, Config } from '../../conf/config.js';

/** One rule for each address of the host that it names; others are left as they are. */
const resolve = async (rule: AccessRule): Promise<readonly AccessRule[]> => {
  const { subnet } = rule;
  if (subnet.kind !== 'host') return [rule];
  const found = await lookup(subnet.name, { all: true }).catch((cause: unknown) => {
    throw new CodedError('ERR_TB_CONFIG', subnet.unknown, { cause });
  });
  return found.map(({ address, family }) => {
    const width = family === 4 ? ({ family, bits: 32 } as const) : ({ family: 6, bits: 128 } as const);
    return { ...rule, subnet: { kind: 'net', address, ...width } };
  });
};

const resolveAll = async (rules: readonly AccessRule[]): Promise<readonly AccessRule[]> =>
  (await Promise.all(rules.map(resolve))).flat();

/**
 * Host names in `allow`, `deny` and their kin stand for the addresses that they have at the start.
 * @throws CodedError ERR_TB_CONFIG for a name that nobody knows: a rule that is not there would let in or shut out others
 */
export const resolveHostRules = async (config: Config): Promise<Config> => {
  const { server, command } = config;
  if (![...server.access, ...command.access].some(({ subnet }) => subnet.kind === 'host')) return config;
  const [forServer, forCommand] = [await resolveAll(server.access), await resolveAll(command.access)];
  return { ...config, server: { ...server, access: forServer }, command: { ...command, access: forCommand } };
};
