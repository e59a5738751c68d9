import { setTimeout as delay } from 'node:timers/promises'
import type { CityFile } from '../contracts/city-file.js'
import { FIRST_DAY, indexOfDay, LAST_DAY } from '../demo/city/calendar.js'
import type { CitySize } from '../demo/city/catalog.js'
import { CityFolder, folderBeside } from '../demo/city-folder.js'
import { type PortalProcess, startPortalProcess } from '../demo/portal-process.js'
import { publishedAt } from '../demo/publish/published-table.js'
import { exitCodeOf } from '../kernel/errors.js'
import { addDays, type Clock, type Day } from '../kernel/time.js'
import { newestFindings, runEmbedded, type ServedPages } from '../main/embedded.js'
import { loadCity } from '../main/load-city.js'
import type { Failure } from '../main/pipeline.js'
import { startPages } from './commands.js'
import { NewsReader } from './news-reader.js'
import type { Output } from './output.js'
import type { RunOptions } from './program.js'
import { drawProgress } from './progress-bars.js'

/** Flags of `wardbook demo`. */
export interface DemoOptions extends RunOptions {
  readonly lake: string
  readonly seed?: number
  readonly size?: CitySize
  /** Days of the city a minute of ours. */
  readonly speed: number
}

const FINDINGS_SHOWN = 5
const EXIT_INTERRUPTED = 130
const MINUTE_MS = 60_000
/** From this speed on whole weeks are published at a time: a week is what is tested. */
const WEEKLY_FROM_SPEED = 7
/** A run reads the portals so long after they have published. */
const READ_AFTER_MS = 30 * MINUTE_MS
/** A run that is interrupted may finish what it writes; then it is left where it is. */
const LAST_STEPS_MS = 2_000

/** `wardbook demo`: a simulated city whose portals run here, read like any other, day by day. @returns the exit code */
export async function runDemo(options: DemoOptions, output: Output): Promise<number> {
  const folder = new CityFolder(folderBeside(options.lake))
  const choice = await folder.choose(options)
  const stop = interrupted()
  const portals = await startPortalProcess(choice)
  try {
    await folder.write(portals.published)
    const demo = new Demo(options, output, folder, portals, stop)
    return await Promise.race([demo.run(), stop.then(() => demo.leave())])
  } finally {
    await portals.close()
  }
}

/** Ends with the first interrupt. A second one ends the process at once, as nothing listens any more. */
function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
}

class Demo {
  private asOf: Day
  private working: Promise<unknown> = Promise.resolve()
  private pages: ServedPages | undefined
  private isLeft = false

  constructor(
    private readonly options: DemoOptions,
    private readonly output: Output,
    private readonly folder: CityFolder,
    private readonly portals: PortalProcess,
    private readonly stop: Promise<void>,
  ) {
    this.asOf = portals.published.truth.asOf
  }

  async run(): Promise<number> {
    const city = await loadCity(this.folder.cityFile)
    this.sayWhatThisIs(city)
    // A lake of an earlier start is served before it is brought up to date. What is wrong with it, the run will say.
    const known = this.options.once ? [] : await this.findings(city).catch(() => [])
    if (known.length > 0) await this.openPages(city)
    const exit = this.tellFailures(await this.work(this.readAll(city)))
    for (const finding of this.isLeft ? [] : await this.findings(city))
      this.output.result(`\n${finding.sentence}\n  ${finding.address}`, { finding })
    if (this.options.once || exit !== 0) return exit
    const url = await this.openPages(city)
    this.sayWhatComesNext()
    await this.goOn(city, url)
    return 0
  }

  private findings(city: CityFile) {
    return newestFindings(city, this.options.lake, FINDINGS_SHOWN)
  }

  /** Serves the pages, once. @returns their address */
  private async openPages(city: CityFile): Promise<string> {
    if (this.pages === undefined) {
      this.pages = await startPages(city, this.options.lake, this.options)
      this.output.result(`\nPages: ${this.pages.url}  (Ctrl-C ends)`, { url: this.pages.url })
    }
    return this.pages.url
  }

  /** After an interrupt: what is being written may be finished for a moment, the rest is taken up by the next start. */
  async leave(): Promise<number> {
    this.isLeft = true
    await Promise.race([this.working.catch(() => undefined), delay(LAST_STEPS_MS)])
    await this.pages?.close()
    this.output.note('\nEnded. The same command goes on from here.')
    const exit = this.pages === undefined ? EXIT_INTERRUPTED : 0
    setTimeout(() => process.exit(exit), LAST_STEPS_MS).unref() // workers end with this process; tables keep what was committed
    return exit
  }

  private sayWhatThisIs({ city }: CityFile): void {
    const { truth } = this.portals.published
    const rows = truth.datasets.reduce((sum, dataset) => sum + dataset.rows, 0)
    this.output.note(
      `${city.name} is a simulated city: ${rows.toLocaleString('en-US')} rows of ${truth.datasets.length} datasets, ${FIRST_DAY} to ${this.asOf},\n` +
        'published by portals of six families on this machine. Nothing of it is real, and nothing leaves this machine.',
    )
  }

  /** Reads what the portals have, with the city's clock. */
  private readAll(city: CityFile): Promise<Failure[]> {
    const { lake, quiet, json } = this.options
    const { stderr } = process
    const isDrawn = stderr.isTTY && !quiet && !json && this.pages === undefined
    const sources = Object.entries(city.datasets).map(([name, dataset]) => [
      name,
      Object.keys(dataset.sources).length,
    ])
    const bars = isDrawn
      ? drawProgress(Object.fromEntries(sources), {
          write: (text) => void stderr.write(text),
          columns: stderr.columns,
        })
      : undefined
    const report = bars?.step ?? (this.pages !== undefined ? () => {} : this.output.step)
    return runEmbedded({
      ...{ city, lake, mirror: undefined, cityFolder: this.folder.folder, clock: cityClock(this.asOf) },
      report: (step) => (this.isLeft ? undefined : report(step)),
    }).finally(() => bars?.stop())
  }

  /** Remembers the work that an interrupt has to wait for. */
  private work<Result>(work: Promise<Result>): Promise<Result> {
    this.working = work
    return work
  }

  private tellFailures(failures: readonly Failure[]): number {
    if (this.isLeft) return 0
    for (const { stage, dataset, source, error } of failures)
      this.output.error(error, { stage, dataset, source })
    return failures[0] === undefined ? 0 : exitCodeOf(failures[0].error.remedy)
  }

  private sayWhatComesNext(): void {
    const { speed } = this.options
    const clock =
      speed === 0
        ? 'Its clock stands still (--speed 0).'
        : `Its clock goes on: ${speed} days a minute (--speed), and what is published then is read then.`
    this.output.note(
      `${clock}\nWhat really happened there: wardbook demo score --truth ${this.folder.truthFile}\n` +
        'A real city instead: wardbook run cities/boston.yaml --mirror DIR --serve (docs/your-city.md)\n',
    )
  }

  /** Publishes day after day, or week after week, until it is interrupted or the simulation ends. */
  private async goOn(city: CityFile, url: string): Promise<void> {
    const { speed } = this.options
    const news = await NewsReader.open(url)
    const days = speed >= WEEKLY_FROM_SPEED ? 7 : 1
    while (!this.isLeft) {
      if (speed === 0 || addDays(this.asOf, days) > LAST_DAY) return this.stop
      await Promise.race([delay((days / speed) * MINUTE_MS), this.stop])
      if (this.isLeft) return
      this.asOf = addDays(this.asOf, days)
      await this.work(this.publishNextDay(city, news))
    }
  }

  private async publishNextDay(city: CityFile, news: NewsReader): Promise<void> {
    await this.folder.write(await this.portals.publish(this.asOf))
    this.tellFailures(await this.readAll(city))
    if (this.isLeft) return
    const told = await news.read()
    const change = told.length === 0 ? 'no finding changed' : 'what changed'
    this.output.result(`\nPublished until ${this.asOf}: ${change}`, { publishedUntil: this.asOf })
    for (const finding of told)
      this.output.result(`  ${finding.state}: ${finding.sentence}\n  ${finding.address}`, { finding })
  }
}

/** The city's own time: the morning on which its portals published, and a little more with every moment of ours. */
function cityClock(asOf: Day): Clock {
  const begun = performance.now()
  const morning = publishedAt(indexOfDay(asOf)) + READ_AFTER_MS
  return () => new Date(morning + Math.floor(performance.now() - begun))
}
