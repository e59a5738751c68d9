import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { FLOOR_NAMES, type Floors, parseFloors } from '../demo/score/floors.js'
import { RELEASE } from '../kernel/release.js'
import type * as Commands from './commands.js'
import type { DemoOptions } from './demo-command.js'
import type { DiscoverOptions } from './discover-command.js'
import type { DoctorOptions } from './doctor-command.js'
import { createOutput, fail, type Output, processStreams, type Streams } from './output.js'
import type { QuarantineOptions } from './quarantine-command.js'
import type { ScoreOptions } from './score-command.js'

/** EX_USAGE of sysexits: wrong flags or arguments. */
const EXIT_USAGE = 64

const EXAMPLES = `
Examples:
  wardbook demo                                   a simulated city, all stages, pages
  wardbook run cities/boston.yaml --mirror DIR --serve
  wardbook serve cities/boston.yaml
  wardbook ledger verify --lake lake/boston
`

/** The command line. Errors become exit codes after sysexits; see docs/cli.md. */
export async function runCommandLine(
  argv: readonly string[],
  streams: Streams = processStreams,
): Promise<number> {
  let exitCode = 0 // help and wrong flags are answered without loading the commands
  const program = buildProgram(streams, (code) => {
    exitCode = code
  })
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return exitCode
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : EXIT_USAGE
    return fail(createOutput(argv.includes('--json'), false, streams), thrown)
  }
}

const SINGLE_WRITER = [
  '--single-writer',
  'nobody else ever writes to this lake: accept a store that does not keep create-if-absent',
] as const

/** What a command does, once the program is loaded. @param file the city file, for commands that take one */
type Work = (commands: typeof Commands, options: RunOptions, output: Output, file: string) => Promise<number>

type WorkAlone<Options> = (options: Options, output: Output, file: string) => Promise<number>

/** Makes commands that speak alike, and runs their work. */
interface CommandKit {
  add(parent: Command, name: string, summary: string): Command
  perform(command: Command, work: Work): void
  /** For the command that has to work where the others' modules do not load. */
  performAlone<Options extends CommonOptions>(command: Command, work: WorkAlone<Options>): void
}

function buildProgram(streams: Streams, exitWith: (code: number) => void): Command {
  const program = configured(new Command('wardbook'), streams)
    .description(
      "Reads a city's open data by council district, notices what changed, and writes findings anyone can verify.",
    )
    .version(VERSION)
    .enablePositionalOptions() // flags belong to the command that they follow: `demo score` is no `demo`
    .addHelpText('before', EXAMPLES.trimStart())
  const kit: CommandKit = {
    add: (parent, name, summary) =>
      configured(parent.command(name), streams).summary(summary).description(`${summary}.`),
    perform: (command, work) =>
      kit.performAlone<RunOptions>(command, async (...given) =>
        work(await import('./commands.js'), ...given),
      ),
    performAlone: <Options extends CommonOptions>(command: Command, work: WorkAlone<Options>) => {
      command
        .option('--json', 'one JSON object a line on standard output', false)
        .option('--quiet', 'no lines for steps', false)
        .action(async (...given: unknown[]) => {
          const options = given.at(-2) as Options
          const file = typeof given[0] === 'string' ? given[0] : ''
          exitWith(await work(options, createOutput(options.json, options.quiet, streams), file))
        })
    },
  }
  addCityCommands(program, kit)
  addLookingCommands(program, kit)
  addQuarantineCommands(program, kit)
  addDoctor(program, kit)
  return program
}

function configured(command: Command, streams: Streams): Command {
  return command
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError('(--help shows what is possible)')
    .configureOutput({
      writeOut: (text) => streams.out(text.trimEnd()),
      writeErr: (text) => streams.err(text.trimEnd()),
    })
}

/** Commands that work on one city and its lake. */
function addCityCommands(program: Command, kit: CommandKit): void {
  const { add, perform } = kit
  const ofCity = (name: string, summary: string) =>
    add(program, name, summary)
      .argument('<city.yaml>', 'the city file')
      .option('--lake <folder>', 'base path of the lake (default: lake/<city>)')
  const run = ofCity('run', "Read a city's sources and bring tables, findings and ledger up to date")
    .option('--mirror <folder>', 'read files from this folder instead of the network')
    .addOption(
      new Option('--record <folder>', 'keep what portals answer there, as a mirror for later runs').conflicts(
        'mirror',
      ),
    )
    .option('--reread', 'read also what portals say is unchanged', false)
    .option(
      '--wait <hours>',
      'when a portal puts a source off (its quota is spent), wait up to so long and go on',
      hourCount,
    )
    .option('--serve', 'serve the pages afterwards, until Ctrl-C', false)
    .option(...SINGLE_WRITER)
  perform(withPort(run), (commands, options, output, file) => commands.runCity(file, options, output))

  const catchUp = ofCity('catch-up', 'Finish what an interrupted run left undone, without reading sources')
  catchUp.option(...SINGLE_WRITER)
  perform(catchUp, (commands, options, output, file) => commands.runCatchUp(file, options, output))

  const serve = ofCity('serve', "Serve a city's pages and API")
  serve.option('--host <address>', 'address to listen on', '127.0.0.1')
  perform(withPort(serve), (commands, options, output, file) => commands.runServe(file, options, output))

  addDemo(program, kit)
}

function withPort(command: Command): Command {
  return command.option(
    '--port <number>',
    `port of the pages (default: ${DEFAULT_PORT}, or a free one)`,
    portNumber,
  )
}

/** The simulated city. */
function addDemo(program: Command, kit: CommandKit): void {
  const { add, performAlone } = kit
  const demo = add(
    program,
    'demo',
    'Run everything on a simulated city, offline, serve its pages, and watch it go on',
  )
    .option(
      '--lake <folder>',
      'base path of the lake; <folder>-city keeps the city file and the truth',
      'lake/pocket',
    )
    .addOption(new Option('--size <size>', 'how large the city is (default: S)').choices(['S', 'M', 'L']))
    .option('--seed <number>', 'which city (default: 311)', numberWithin(0, MAX_SEED))
    .option(
      '--speed <days>',
      'days of the city a minute of yours; 0: its clock stands still',
      numberWithin(0, MAX_SPEED),
      DEFAULT_SPEED,
    )
    .option('--once', 'end after the first run instead of serving', false)
  performAlone<DemoOptions>(withPort(demo), async (options, output) => {
    const { runDemo } = await import('./demo-command.js')
    return runDemo(options, output)
  })
  addScoreCommand(demo.enablePositionalOptions(), kit)
}

/** What was found in a simulated city against what is true of it. */
function addScoreCommand(demo: Command, { add, performAlone }: CommandKit): void {
  const score = add(demo, 'score', 'Compare what was found in a simulated city with what was true of it')
    .option('--url <address>', 'where its pages are served', webAddress, `http://127.0.0.1:${DEFAULT_PORT}`)
    .option('--truth <file>', 'what is true of the city', 'lake/pocket-city/truth.json')
    .option('--html <file>', 'write the score there as a page, too')
    .option(
      '--fail-under <floors>',
      'end with 1 when a share is smaller, e.g. recall=0.5,precision=0.8',
      shareFloors,
    )
  performAlone<ScoreOptions>(score, async (options, output) => {
    const { runScore } = await import('./score-command.js')
    return runScore(options, output)
  })
}

/** Commands that only look. */
function addLookingCommands(program: Command, kit: CommandKit): void {
  const { add, perform } = kit
  const lake = add(program, 'lake', 'Look at a lake, keep it in shape, and take in what lies there')
  const adopt = add(lake, 'adopt', 'Take hive-partitioned Parquet that is there already into raw tables')
    .argument('<city.yaml>', 'the city file')
    .argument('[dataset/source...]', 'sources of the family hive (default: all)')
    .option('--lake <folder>', 'base path of the lake (default: lake/<city>)')
    .option('--dry-run', 'say what would be done, and write nothing', false)
    .option(...SINGLE_WRITER)
  perform(adopt, async (_commands, options, output, file) => {
    const { runAdopt } = await import('./adopt-command.js')
    return runAdopt(file, adopt.processedArgs[1] as string[], options, output)
  })
  const prefixes = add(lake, 'prefixes', 'Who writes and who reads each prefix of a lake')
  perform(prefixes, (commands, options, output) => commands.showPrefixes(options, output))
  addCareCommands(lake, kit)

  const migrate = add(lake, 'migrate', 'Bring a lake of an earlier release to the format of this one')
    .requiredOption('--lake <folder>', 'base path of the lake')
    .option('--dry-run', 'say what would be done, and do nothing', false)
    .option(...SINGLE_WRITER)
  perform(migrate, (commands, options, output) => commands.runMigrate(options, output))

  const ledger = add(program, 'ledger', 'Look at the ledger')
  const verify = add(
    ledger,
    'verify',
    'Audit the ledger: every byte, the chain, all roots, and the view of it',
  )
  verify.requiredOption('--lake <folder>', 'base path of the lake')
  perform(verify, (commands, options, output) => commands.verifyLedger(options, output))

  const city = add(program, 'city', 'Work on city files')
  const schema = add(city, 'schema', 'The JSON Schema of city files, for editors')
  perform(schema, (commands, options, output) => commands.showSchema(options, output))
  addPortalCommands(program, city, kit)
}

/** Commands that ask portals and write nothing. */
function addPortalCommands(program: Command, city: Command, { add, performAlone }: CommandKit): void {
  const check = add(
    city,
    'check',
    'Compare a city file with what its portals publish, without reading tables',
  )
    .argument('<city.yaml>', 'the city file')
    .option('--lake <folder>', 'also say what changed since the last snapshots there')
    .option('--mirror <folder>', 'read files from this folder instead of the network')
  performAlone<RunOptions>(check, async (options, output, file) => {
    const { runCityCheck } = await import('./city-check-command.js')
    return runCityCheck(file, options, output)
  })
  const discover = add(program, 'discover', "Find in a portal's catalog what a city file could name")
    .argument('<portal>', 'address of the portal, e.g. https://data.example.gov')
    .option('--limit <number>', 'datasets shown, the best ones (default: 10)', numberWithin(1, 1_000))
    .option('--words <text>', 'only what has these words in its name or description')
    .option(
      '--max-tables <number>',
      'tables described one by one, the most promising first (default: 60)',
      numberWithin(0, 50_000),
    )
    .option(
      '--part-rows <number>',
      'largest part that sizes are estimated for, in rows (default: 1000000)',
      numberWithin(1, 1_000_000_000),
    )
    .option(
      '--part-mib <number>',
      'largest part that sizes are estimated for, in MiB of text (default: 256)',
      numberWithin(1, 1_000_000),
    )
    .option('--mirror <folder>', 'a recording in place of the network')
  performAlone<DiscoverOptions>(discover, async (options, output, portal) => {
    const { runDiscover } = await import('./discover-command.js')
    return runDiscover(portal, options, output)
  })
}

/** Commands on rows that could not be read or typed. */
function addQuarantineCommands(program: Command, { add, performAlone }: CommandKit): void {
  const quarantine = add(
    program,
    'quarantine',
    'Look at rows that could not be read or typed, and correct them',
  )
  const list = add(
    quarantine,
    'list',
    'Rows in quarantine of the newest snapshots, by stage, source and reason',
  )
    .argument('<city.yaml>', 'the city file')
    .argument('[dataset/source...]', 'sources (default: all)')
    .option('--lake <folder>', 'base path of the lake (default: lake/<city>)')
    .option('--rows <number>', 'print so many rows of each reason (default: 0)', numberWithin(0, 10_000_000))
  performAlone<QuarantineOptions>(list, async (options, output, file) => {
    const { runQuarantineList } = await import('./quarantine-command.js')
    return runQuarantineList(file, list.processedArgs[1] as string[], options, output)
  })
  const replay = add(
    quarantine,
    'replay',
    'Read a source again, with corrections in the place of its bad rows',
  )
    .argument('<city.yaml>', 'the city file')
    .argument('<dataset/source>', 'the source')
    .option(
      '--corrections <file>',
      'JSON lines or CSV with raw_text and corrected_text; kept for later reads',
    )
    .option('--lake <folder>', 'base path of the lake (default: lake/<city>)')
    .option('--mirror <folder>', 'read files from this folder instead of the network')
    .option(...SINGLE_WRITER)
  performAlone<QuarantineOptions>(replay, async (options, output, file) => {
    const { runQuarantineReplay } = await import('./quarantine-command.js')
    return runQuarantineReplay(file, replay.processedArgs[1] as string, options, output)
  })
  const forget = add(
    quarantine,
    'forget',
    'Remove corrections that are kept; their rows go back to quarantine at the next read',
  )
    .argument('<city.yaml>', 'the city file')
    .argument('<dataset/source>', 'the source')
    .option('--all', 'every correction of the source')
    .addOption(
      new Option(
        '--texts <file>',
        'JSON lines or CSV with raw_text: the rows whose corrections go',
      ).conflicts('all'),
    )
    .option('--dry-run', 'list them, and remove nothing', false)
    .option('--lake <folder>', 'base path of the lake (default: lake/<city>)')
  performAlone<QuarantineOptions>(forget, async (options, output, file) => {
    if (options.all !== true && options.texts === undefined)
      forget.error('error: say which: --all, or --texts <file>')
    const { runQuarantineForget } = await import('./quarantine-command.js')
    return runQuarantineForget(file, forget.processedArgs[1] as string, options, output)
  })
}

/** The command that says whether everything else can work here. */
function addDoctor(program: Command, { add, performAlone }: CommandKit): void {
  const doctor = add(program, 'doctor', "Look whether this machine and a lake's store are fit")
    .option('--lake <folder>', 'base path of the lake, there already or not')
    .option('--racers <number>', 'writers that race for a name (default: 16)', numberWithin(2, 64))
    .option('--rounds <number>', 'races (default: 3)', numberWithin(1, 50))
    .option('--endpoint <url...>', 'ways to the same store, dealt out to the racers')
  performAlone<DoctorOptions>(doctor, async (options, output) => {
    const { runDoctor } = await import('./doctor-command.js')
    return runDoctor(options, output)
  })
}

/** Commands that remove from a lake what nobody needs. */
function addCareCommands(lake: Command, { add, perform }: CommandKit): void {
  const ofLake = (name: string, summary: string) =>
    add(lake, name, summary).requiredOption('--lake <folder>', 'base path of the lake')
  const compact = ofLake('compact', 'Merge the small files of the tables of records')
  perform(compact, (commands, options, output) => commands.compactTables(options, output))

  const vacuum = ofLake(
    'vacuum',
    'Remove files that no kept version of a table needs; never what a finding cites',
  )
    .option('--retention-days <days>', 'keep what was replaced since, at least 1', dayCount, 7)
    .option('--dry-run', 'say what would be removed, and remove nothing', false)
    .option(
      '--forget-cited',
      'remove also what findings rest on, which cannot be checked any more then',
      false,
    )
  perform(vacuum, (commands, options, output) => commands.vacuumTables(options, output))
}

function hourCount(text: string): number {
  const hours = Number(text)
  if (text.trim() !== '' && hours >= 0 && hours <= LONGEST_WAIT_HOURS) return hours
  throw new InvalidArgumentError(`'${text}' is no number of hours from 0 to ${LONGEST_WAIT_HOURS}`)
}

/** Quotas are of a day. */
const LONGEST_WAIT_HOURS = 48

function dayCount(text: string): number {
  const days = Number(text)
  if (text.trim() !== '' && Number.isFinite(days) && days >= 1) return days
  throw new InvalidArgumentError(`'${text}' is no number of days from 1 on`)
}

/** Version of this release. */
export const VERSION = RELEASE
/** Where pages are served when no port is asked for. */
export const DEFAULT_PORT = 8311

/** Days of the simulated city a minute: a week a minute, so that a finding opens and ends while one watches. */
const DEFAULT_SPEED = 7
const MAX_SPEED = 1_000
const MAX_SEED = 2 ** 31 - 1

/** Flags that every command takes. */
export interface CommonOptions {
  readonly json: boolean
  readonly quiet: boolean
}

/** Flags of the commands that work on a lake. */
export interface RunOptions extends CommonOptions {
  readonly lake?: string
  readonly mirror?: string
  readonly record?: string
  readonly reread?: boolean
  readonly wait?: number
  readonly serve?: boolean
  readonly once?: boolean
  readonly port?: number
  readonly host?: string
  readonly singleWriter?: boolean
  readonly retentionDays?: number
  readonly dryRun?: boolean
  readonly forgetCited?: boolean
}

function numberWithin(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = Number(text)
    if (Number.isInteger(number) && number >= least && number <= most) return number
    throw new InvalidArgumentError(`'${text}' is not allowed: use ${least} to ${most}`)
  }
}

function webAddress(text: string): string {
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return text
  throw new InvalidArgumentError(`'${text}' is no address: use one such as http://127.0.0.1:${DEFAULT_PORT}`)
}

function shareFloors(text: string): Floors {
  const floors = parseFloors(text)
  if (floors !== undefined) return floors
  throw new InvalidArgumentError(
    `'${text}' is no list of floors: use recall=0.5,precision=0.8; figures are ${FLOOR_NAMES.join(', ')}, shares 0 to 1`,
  )
}

function portNumber(text: string): number {
  const port = Number(text)
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port
  throw new InvalidArgumentError(`'${text}' is no port: use 0 to 65535`)
}
