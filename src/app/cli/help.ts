/** What `help` prints: a group, its commands, what each does. */
export const GROUPS: readonly (readonly [string, readonly (readonly [string, string])[]])[] = [
  [
    'System clock',
    [
      ['tracking', 'How well the clock is known and what it follows'],
      ['makestep', 'Step the clock now by what is left to correct'],
      ['makestep <threshold> <updates>', 'Step instead of slew above a threshold, for so many updates'],
      ['maxupdateskew <skew>', 'Largest skew with which a frequency is still used'],
      ['waitsync [<tries> [<correction> [<skew> [<interval>]]]]', 'Wait until synchronised within limits'],
      ['dfreq <ppm>', 'Correct the frequency by hand'],
      ['doffset <seconds>', 'Correct the offset by hand'],
    ],
  ],
  [
    'Sources',
    [
      ['sources [-a] [-v]', 'All sources and their last samples'],
      ['sourcestats [-a] [-v]', 'Statistics of their samples'],
      ['selectdata [-a] [-v]', 'Why each source is selected or not'],
      ['reselect', 'Select anew'],
      ['selectopts <address|refid> <+|-option>...', 'Change noselect, prefer, trust, require'],
      ['offset <address|refid> <seconds>', 'Change the offset that its measurements are corrected by'],
      ['reselectdist <distance>', 'How much better another source must be'],
    ],
  ],
  [
    'NTP sources',
    [
      ['activity', 'How many sources are online and offline'],
      ['authdata [-a] [-v]', 'How sources are authenticated'],
      ['ntpdata [<address>]', 'The last valid measurement'],
      ['sourcename <address>', 'Its name in the configuration'],
      ['add server|peer|pool <name> [<option>]...', 'Add a source, with the options of the directive'],
      ['delete <address>', 'Remove a source'],
      ['burst <good>/<max> [[<mask>/]<address>]', 'Measure several times in quick succession'],
      ['online|offline [[<mask>/]<address>]', 'Poll sources, or leave them alone'],
      ['onoffline', 'The same, as the network is now'],
      ['minpoll|maxpoll <address> <poll>', 'Limits of the polling interval, log2 s'],
      ['maxdelay <address> <delay>', 'Largest delay of a valid sample'],
      ['maxdelayratio <address> <ratio>', 'The same, against the smallest delay'],
      ['maxdelaydevratio <address> <ratio>', 'The same, against the deviation of delays'],
      ['minstratum <address> <stratum>', 'Lowest stratum taken for the source'],
      ['polltarget <address> <samples>', 'Samples that the polling interval aims at'],
      ['refresh', 'Resolve names again'],
      ['reload sources', 'Read *.sources files again'],
      ['reset sources', 'Forget all measurements'],
    ],
  ],
  [
    'Time set by hand',
    [
      ['settime <time>', 'What time it is, as in Sep 25, 2015 16:30:05 or 16:30:05'],
      ['manual on|off|reset', 'Allow, forbid or restart settime'],
      ['manual list', 'Times set so far'],
      ['manual delete <index>', 'Forget one of them'],
    ],
  ],
  [
    'NTP server',
    [
      ['clients [-p <packets>] [-k] [-r]', 'Who asked for the time'],
      ['serverstats', 'Counters of the server'],
      ['accheck <address>', 'May this address ask for the time?'],
      ['allow|deny [all] [<subnet>]', 'Who may'],
      ['local [<option>]...|off', 'Serve our own clock when there is no better one'],
      ['smoothing', 'How served time is smoothed'],
      ['smoothtime reset|activate', 'Restart or start that'],
    ],
  ],
  [
    'Monitoring',
    [
      ['cmdaccheck <address>', 'May this address ask for reports?'],
      ['cmdallow|cmddeny [all] [<subnet>]', 'Who may'],
    ],
  ],
  [
    'Real-time clock',
    [
      ['rtcdata', 'What is known of the RTC'],
      ['trimrtc', 'Set it from the system clock'],
      ['writertc', 'Write that down'],
    ],
  ],
  [
    'Daemon',
    [
      ['cyclelogs', 'Close and open the log files'],
      ['dump', 'Write measurements to files'],
      ['rekey', 'Read the key file again'],
      ['shutdown', 'Stop the daemon'],
    ],
  ],
  [
    'This program',
    [
      ['dns -n|+n|-4|-6|-46', 'How addresses and names are resolved'],
      ['timeout <milliseconds>', 'First time-out of a request'],
      ['retries <count>', 'How often a request is repeated'],
      ['keygen [<id> [<type> [<bits>]]]', 'Make a key for the key file'],
      ['exit|quit', 'Leave'],
      ['help [<command>]', 'This text, or what it says of one command'],
    ],
  ],
];

const COLUMN = 28;

const line = ([syntax, text]: readonly [string, string]): string =>
  syntax.length < COLUMN ? `${syntax.padEnd(COLUMN)}${text}\n` : `${syntax}\n${' '.repeat(COLUMN)}${text}\n`;

export const HELP = GROUPS.map(([title, lines]) => `${title}:\n${lines.map(line).join('')}`).join('\n');

/** Words that a line of the help begins with: 'online|offline' are two commands. */
export const namesIn = (syntax: string): readonly string[] => (syntax.split(' ')[0] ?? '').split('|');

/** The lines of one command; '' when there is none of that name. */
export const helpOf = (command: string | undefined): string =>
  GROUPS.flatMap(([, lines]) => lines)
    .filter(([syntax]) => command !== undefined && namesIn(syntax).includes(command))
    .map(line)
    .join('');
