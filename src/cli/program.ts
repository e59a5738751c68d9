import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { runCatchUp, runCity, runDemo, runServe, showPrefixes, showSchema, verifyLedger } from './commands.js'
import { createOutput, fail, type Output, processStreams, type Streams } from './output.js'

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
  let exitCode = 0
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

function buildProgram(streams: Streams, exitWith: (code: number) => void): Command {
  const program = new Command('wardbook')
  const configure = (command: Command) =>
    command
      .exitOverride()
      .showSuggestionAfterError()
      .showHelpAfterError('(--help shows what is possible)')
      .configureOutput({
        writeOut: (text) => streams.out(text.trimEnd()),
        writeErr: (text) => streams.err(text.trimEnd()),
      })
  configure(program)
    .description(
      "Reads a city's open data by council district, notices what changed, and writes findings anyone can verify.",
    )
    .version(VERSION)
    .addHelpText('beforeAll', EXAMPLES.trimStart())

  const add = (parent: Command, name: string, summary: string) =>
    configure(parent.command(name)).summary(summary).description(`${summary}.`)
  const withOutput = (command: Command) =>
    command
      .option('--json', 'one JSON object a line on standard output', false)
      .option('--quiet', 'no lines for steps', false)
  const act = <Options extends CommonOptions>(
    work: (options: Options, output: Output) => Promise<number>,
  ) => {
    return async (options: Options) =>
      exitWith(await work(options, createOutput(options.json, options.quiet, streams)))
  }

  withOutput(add(program, 'run', "Read a city's sources and bring tables, findings and ledger up to date"))
    .argument('<city.yaml>', 'the city file')
    .option('--lake <folder>', 'base path of the lake (default: lake/<city>)')
    .option('--mirror <folder>', 'read files from this folder instead of the network')
    .option('--serve', 'serve the pages afterwards, until Ctrl-C', false)
    .option('--port <number>', 'port of the pages; 0 chooses a free one', portNumber, DEFAULT_PORT)
    .action(async (file, options) =>
      act<RunOptions>((given, output) => runCity(file, given, output))(options),
    )

  withOutput(add(program, 'catch-up', 'Finish what an interrupted run left undone, without reading sources'))
    .argument('<city.yaml>', 'the city file')
    .option('--lake <folder>', 'base path of the lake (default: lake/<city>)')
    .action(async (file, options) =>
      act<RunOptions>((given, output) => runCatchUp(file, given, output))(options),
    )

  withOutput(add(program, 'serve', "Serve a city's pages and API"))
    .argument('<city.yaml>', 'the city file')
    .option('--lake <folder>', 'base path of the lake (default: lake/<city>)')
    .option('--port <number>', 'port; 0 chooses a free one', portNumber, DEFAULT_PORT)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .action(async (file, options) =>
      act<RunOptions>((given, output) => runServe(file, given, output))(options),
    )

  withOutput(add(program, 'demo', 'Run everything on a small simulated city, offline, and serve its pages'))
    .option('--lake <folder>', 'base path of the lake', 'lake/pocket')
    .option('--port <number>', 'port of the pages; 0 chooses a free one', portNumber, DEFAULT_PORT)
    .option('--once', 'end after the run instead of serving', false)
    .action(async (options) => act<RunOptions>(runDemo)(options))

  const lake = add(program, 'lake', 'Look at a lake')
  withOutput(add(lake, 'prefixes', 'Who writes and who reads each prefix of a lake')).action(
    async (options) => act<CommonOptions>(showPrefixes)(options),
  )
  const ledger = add(program, 'ledger', 'Look at the ledger')
  withOutput(add(ledger, 'verify', 'Audit the ledger: every byte, the chain, all roots, and the view of it'))
    .requiredOption('--lake <folder>', 'base path of the lake')
    .action(async (options) => act<RunOptions>(verifyLedger)(options))
  const city = add(program, 'city', 'Work on city files')
  withOutput(add(city, 'schema', 'The JSON Schema of city files, for editors')).action(async (options) =>
    act<CommonOptions>(showSchema)(options),
  )
  return program
}

/** Version of this release. */
export const VERSION = '0.1.0'
const DEFAULT_PORT = 8311

/** Flags that every command takes. */
export interface CommonOptions {
  readonly json: boolean
  readonly quiet: boolean
}

/** Flags of the commands that work on a lake. */
export interface RunOptions extends CommonOptions {
  readonly lake?: string
  readonly mirror?: string
  readonly serve?: boolean
  readonly once?: boolean
  readonly port?: number
  readonly host?: string
}

function portNumber(text: string): number {
  const port = Number(text)
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port
  throw new InvalidArgumentError(`'${text}' is no port: use 0 to 65535`)
}
