import type { LedgerEvent } from '../contracts/event.js'
import type { FindingProposal, RunRecord } from '../contracts/proposal.js'
import { WardbookError } from '../kernel/errors.js'
import { digestOf } from '../kernel/ids.js'
import { findingEvent, republishedId } from './events.js'
import { isWithdrawn, lastStanding, type Standing, type StandingClaim, slotOf } from './standing.js'

/**
 * The event that a proposed finding makes, or undefined when the ledger already stands by exactly this claim.
 *
 * What the ledger holds of the same finding, window and state decides:
 * - nothing: the proposal's own event;
 * - the same claim, standing: no event;
 * - another claim: an event that supersedes it (`claim-changed`);
 * - a claim that was withdrawn, the same or another: an event that supersedes the withdrawal (`proposed-again`).
 *
 * A superseding event has the proposal's own id, unless the ledger has used it up: a claim that comes back after a
 * withdrawal, or after another claim, gets an id from the claim and the event it follows. So saying something again
 * is a new entry that names what it replaces, and repeating the same decision still makes the same id.
 * @param standing what the ledger held before the outbox version that is taken in
 * @param isUsed   true when the ledger held an event of this id by then
 */
export function planFinding(
  proposal: FindingProposal,
  source: string,
  standing: Standing,
  isUsed: (id: string) => boolean,
): LedgerEvent | undefined {
  const held = standing.finding(proposal.finding)
  const claim = held?.claims.get(slotOf(proposal.windowFrom, proposal.state))
  if (held === undefined || claim === undefined) return findingEvent(proposal, source)
  const withdrawn = isWithdrawn(held, claim)
  if (!withdrawn && claim.claimDigest === digestOf(proposal.claim)) return undefined
  const after = withdrawn ? held.withdrawal!.eventId : claim.eventId
  const reason = withdrawn ? 'proposed-again' : 'claim-changed'
  const id = isUsed(proposal.id) ? republishedId(proposal, after) : proposal.id
  return findingEvent(proposal, source, { id: after, reason }, id)
}

/** A finding to withdraw: the claim of its last standing window, and the run that no longer proposes it. */
export interface PlannedWithdrawal {
  readonly last: StandingClaim
  readonly run: RunRecord
}

/**
 * Findings that a complete run takes back: of its dataset and metric, told by the same source, standing, with their last window
 * in the run's span [from, to), and not among those it proposes. A run without a span tested nothing and takes
 * nothing back. In index order.
 * @param proposed findings that the run's outbox version proposes
 */
export function planWithdrawals(
  run: RunRecord,
  source: string,
  standing: Standing,
  proposed: ReadonlySet<string>,
): PlannedWithdrawal[] {
  const { from, to } = run
  if (from === null || to === null) return []
  const planned: PlannedWithdrawal[] = []
  for (const [finding, held] of standing.findingsOf(source, run.dataset, run.metric)) {
    const last = lastStanding(held)
    if (last === undefined || proposed.has(finding)) continue
    if (last.windowFrom >= from && last.windowFrom < to) planned.push({ last, run })
  }
  return planned.sort((a, b) => a.last.index - b.last.index)
}

/**
 * When a run's result could be known: the newest of the publications it rests on, as the ledger holds them;
 * `otherwise` when it holds none of them. Never before `atLeast`.
 */
export function knownAtOf(run: RunRecord, standing: Standing, atLeast: string, otherwise: string): string {
  const published = Object.entries(run.snapshots)
    .map(([source, snapshot]) => standing.publishedAt(run.dataset, source, snapshot))
    .filter((at) => at !== undefined)
  const latest = published.length > 0 ? published : [otherwise]
  return [atLeast, ...latest].reduce((a, b) => (Date.parse(b) > Date.parse(a) ? b : a))
}

/**
 * Watches that one outbox version says one thing only about each finding, window and state. Decisions rest on what the
 * ledger held before the version, so a version that contradicts itself could not be taken in twice alike.
 */
export class ContradictionGuard {
  private readonly claims = new Map<string, string>()

  /** @throws WardbookError 'outbox-contradiction' (report-bug) when the version has told another claim before */
  check(proposal: FindingProposal): void {
    const slot = `${proposal.finding} ${slotOf(proposal.windowFrom, proposal.state)}`
    const digest = digestOf(proposal.claim)
    if ((this.claims.get(slot) ?? digest) !== digest) {
      throw new WardbookError(
        'outbox-contradiction',
        'report-bug',
        `one outbox commit makes two claims about finding ${proposal.finding}, window ${proposal.windowFrom}, ` +
          `state ${proposal.state}: a stage must propose each once`,
        { finding: proposal.finding, windowFrom: proposal.windowFrom, state: proposal.state },
      )
    }
    this.claims.set(slot, digest)
  }
}
