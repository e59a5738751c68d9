import type { LedgerEvent } from '../contracts/event.js'
import type { Stage } from '../contracts/message.js'
import { outboxAppId } from '../contracts/positions.js'
import type { FindingProposal, Proposal, RunRecord } from '../contracts/proposal.js'
import { WardbookError } from '../kernel/errors.js'
import type { Clock } from '../kernel/time.js'
import { CHECKPOINT_EVERY_COMMITS } from '../lake/delta/checkpoint.js'
import { DeltaTable } from '../lake/delta/table.js'
import { LEAN, withEngine } from '../lake/duckdb/engine.js'
import type { ObjectStore } from '../lake/store.js'
import { tables } from '../lake/tables.js'
import { shortenLog, tendTable } from '../lake/tend-table.js'
import { gapEvent, publishedEvent, sourceOf, withdrawnEvent } from './events.js'
import type { Log } from './log.js'
import { nextOutboxStep, OUTBOX_STAGES, type OutboxStep, readProposals } from './outbox.js'
import { ContradictionGuard, knownAtOf, planFinding, planWithdrawals } from './plan-events.js'
import { demandWhole, projectEvents, projectedSize, type Workbench } from './projection.js'
import { Standing } from './standing.js'

/** What the ledger stage needs. */
export interface TakeInOptions {
  /** Scoped to the ledger: reads outboxes, writes `ledger/` and `findings/`. */
  readonly store: ObjectStore
  /** The city's slug; it names the source of every event. */
  readonly city: string
  readonly clock: Clock
  readonly log: Log
}

/** What one run of the ledger stage did. */
export interface TakenIn {
  /** Events that are new in the log. */
  readonly appended: number
  /** Proposals that the ledger held already, saying the same. */
  readonly duplicates: number
  /** Events in the log, and the root of their tree. */
  readonly size: number
  readonly root: string
  /** Version of `findings/`, -1 while there is no such table. */
  readonly version: number
}

const MAX_OVERTAKEN = 1_000 // another taker that is faster this often is no race
const WITHDRAWALS_AT_ONCE = 1_000

/**
 * Takes in what stages have proposed since the last time, and shows it in `findings/`.
 *
 * One commit of an outbox after another: its events are appended, then shown, and the commit of `findings/` moves
 * the ledger's position in that outbox. Every decision rests on what the log held before the outbox commit, so after
 * a crash anywhere, or beside another taker, the same commit makes the same events, which the log holds once.
 * With nothing new, nothing is written.
 * @throws WardbookError of the log and the table; 'proposal-broken', 'outbox-contradiction' (report-bug);
 * 'ledger-shorter-than-view' (fix-source); 'ledger-overtaken' (retry)
 */
export async function takeInProposals(options: TakeInOptions): Promise<TakenIn> {
  const scratch = await options.store.scratch()
  try {
    return await withEngine(LEAN, scratch.folder, (engine) =>
      new TakeIn(options, { engine, folder: scratch.folder }).run(),
    )
  } finally {
    await scratch.remove()
  }
}

/** Counts of one append. */
interface Tally {
  appended: number
  duplicates: number
}

class TakeIn {
  private readonly findings: DeltaTable
  private readonly outboxes: ReadonlyMap<Stage, DeltaTable>
  private readonly standing = new Standing()
  private readonly tally: Tally = { appended: 0, duplicates: 0 }

  constructor(
    private readonly options: TakeInOptions,
    private readonly bench: Workbench,
  ) {
    const { store, clock } = options
    this.findings = new DeltaTable(store, tables.findings(), clock)
    this.outboxes = new Map(
      OUTBOX_STAGES.map((stage) => [stage, new DeltaTable(store, tables.outbox(stage), clock)]),
    )
  }

  async run(): Promise<TakenIn> {
    const before = (await this.findings.snapshot())?.version ?? -1
    for (const stage of OUTBOX_STAGES) {
      for (let step = await this.nextStep(stage); step; step = await this.nextStep(stage)) {
        await this.takeStep(stage, step)
        await this.project(stage, step)
      }
    }
    await this.projectRest()
    const { log } = this.options
    await this.tendFindings(before)
    const version = (await this.findings.snapshot())?.version ?? -1
    return { ...this.tally, size: log.size, root: log.root, version }
  }

  /**
   * The next outbox commit to take in, with `standing` brought up to the events before it. The position is read on both
   * sides of the log: if it moved, another taker's events of a later commit may be among what was read.
   */
  private async nextStep(stage: Stage): Promise<OutboxStep | undefined> {
    for (let tries = 0; tries < MAX_OVERTAKEN; tries++) {
      const position = await this.findings.position(outboxAppId(stage))
      const step = nextOutboxStep(await this.outboxes.get(stage)?.snapshot(), position)
      if (step === undefined) return undefined
      await this.catchUp()
      if ((await this.findings.position(outboxAppId(stage))) === position) return step
    }
    throw overtaken(stage)
  }

  private async catchUp(): Promise<void> {
    const { log } = this.options
    const shown = await this.findings.snapshot()
    await log.follow()
    demandWhole(log.reader, shown)
    for await (const event of log.events(this.standing.size)) this.standing.take(event)
  }

  private async takeStep(stage: Stage, step: OutboxStep): Promise<void> {
    const { store } = this.options
    const runs: RunRecord[] = []
    const proposed = new Set<string>()
    const guard = new ContradictionGuard()
    for await (const page of readProposals(this.bench.engine, store, tables.outbox(stage), step.files)) {
      for (const proposal of page) {
        if (proposal.kind === 'run') runs.push(proposal)
        if (proposal.kind !== 'finding') continue
        guard.check(proposal)
        proposed.add(proposal.finding)
      }
      await this.append(this.planPage(stage, page))
    }
    for (const run of runs) await this.withdraw(stage, run, proposed)
  }

  private planPage(stage: Stage, page: readonly Proposal[]): LedgerEvent[] {
    const source = sourceOf(this.options.city, stage)
    return page.flatMap((proposal) => {
      if (proposal.kind === 'dataset.published') return [publishedEvent(proposal, source)]
      if (proposal.kind === 'dataset.gap') return [gapEvent(proposal, source)]
      return proposal.kind === 'finding' ? this.planOne(proposal, source) : []
    })
  }

  private planOne(proposal: FindingProposal, source: string): LedgerEvent[] {
    const isUsed = (id: string) => {
      const index = this.options.log.indexOf(source, id)
      return index !== undefined && index < this.standing.size
    }
    const event = planFinding(proposal, source, this.standing, isUsed)
    if (event === undefined) this.tally.duplicates += 1
    return event ? [event] : []
  }

  private async withdraw(stage: Stage, run: RunRecord, proposed: ReadonlySet<string>): Promise<void> {
    const { city, clock, log } = this.options
    const planned = planWithdrawals(run, sourceOf(city, stage), this.standing, proposed)
    const now = clock().toISOString()
    for (let from = 0; from < planned.length; from += WITHDRAWALS_AT_ONCE) {
      const events: LedgerEvent[] = []
      for (const { last } of planned.slice(from, from + WITHDRAWALS_AT_ONCE)) {
        const { event } = (await log.reader.event(last.index))!
        events.push(withdrawnEvent(event, run, knownAtOf(run, this.standing, event.knownat, now)))
      }
      await this.append(events)
    }
  }

  /** Keeps the view quick to read, and its log short: everything is taken in by now, so a kill here loses nothing. */
  private async tendFindings(before: number): Promise<void> {
    await tendTable(this.findings, await this.findings.snapshot())
    const version = (await this.findings.snapshot())?.version ?? -1
    if (checkpointsUpTo(version) > checkpointsUpTo(before))
      await shortenLog(this.findings, this.options.clock)
  }

  private async append(events: readonly LedgerEvent[]): Promise<void> {
    if (events.length === 0) return
    for (const { outcome } of await this.options.log.append(events)) {
      if (outcome === 'created') this.tally.appended += 1
      else this.tally.duplicates += 1
    }
  }

  /** Another taker may be faster; then its commit has our position, or {@link nextStep} finds the same step again. */
  private async project(stage: Stage, step: OutboxStep): Promise<void> {
    const position = { appId: outboxAppId(stage), version: step.version }
    await projectEvents(this.findings, this.options.log.reader, this.bench, [position])
  }

  /** Events that came into the log by another way than an outbox. */
  private async projectRest(): Promise<void> {
    const { log } = this.options
    for (let tries = 0; tries < MAX_OVERTAKEN; tries++) {
      const shown = projectedSize(await this.findings.snapshot(), log.name)
      await log.follow()
      if (shown === log.size) return
      await projectEvents(this.findings, log.reader, this.bench, [])
    }
    throw overtaken('ledger')
  }
}

function checkpointsUpTo(version: number): number {
  return Math.floor(version / CHECKPOINT_EVERY_COMMITS)
}

function overtaken(stage: Stage): WardbookError {
  return new WardbookError(
    'ledger-overtaken',
    'retry',
    `other takers were faster ${MAX_OVERTAKEN} times at the outbox of ${stage}: run one ledger stage a lake`,
    { stage },
  )
}
