import { type LedgerEvent, PUBLISHED_EVENT_TYPE, type RecordedEvent } from '../contracts/event.js'
import { digestOf, type Json } from '../kernel/ids.js'
import { stateOf } from './events.js'

/** The newest event of one finding, window and state. */
export interface StandingClaim {
  readonly index: number
  readonly eventId: string
  readonly windowFrom: string
  readonly claimDigest: string
}

/** What the ledger holds of one finding. */
export interface StandingFinding {
  readonly source: string
  readonly dataset: string
  readonly metric: string
  /** By window and state, see {@link slotOf}. */
  readonly claims: ReadonlyMap<string, StandingClaim>
  /** The newest withdrawal; it takes back every claim with a lower index. */
  readonly withdrawal: { readonly index: number; readonly eventId: string } | undefined
}

/** What the events of a log amount to, as far as new proposals are judged by it: a pure function of events [0, size). */
export class Standing {
  size = 0
  private readonly findings = new Map<string, StandingFinding>()
  private readonly publications = new Map<string, string>()

  /** Takes in the next event; events come in index order, each once. */
  take({ index, event }: RecordedEvent): void {
    this.size = index + 1
    if (event.type === PUBLISHED_EVENT_TYPE) this.takePublication(event)
    else if (stateOf(event) === 'withdrawn') this.takeWithdrawal(index, event)
    else if (stateOf(event) !== undefined) this.takeClaim(index, event)
  }

  /** What is held of one finding, or undefined. */
  finding(id: string): StandingFinding | undefined {
    return this.findings.get(id)
  }

  /** All findings of a dataset and metric that events of this source told. */
  *findingsOf(source: string, dataset: string, metric: string): Generator<[string, StandingFinding]> {
    for (const entry of this.findings) {
      const [, held] = entry
      if (held.source === source && held.dataset === dataset && held.metric === metric) yield entry
    }
  }

  /** knownat of the publication that made a snapshot of a dataset's source, or undefined when it is not held. */
  publishedAt(dataset: string, source: string, snapshot: number): string | undefined {
    return this.publications.get(publicationKey(dataset, source, snapshot))
  }

  private takePublication(event: LedgerEvent): void {
    const { source, snapshot } = event.data
    const key = publicationKey(String(event.dataset), String(source), Number(snapshot))
    this.publications.set(key, event.knownat)
  }

  private takeWithdrawal(index: number, event: LedgerEvent): void {
    const held = this.findings.get(String(event.subject))
    if (held) this.findings.set(String(event.subject), { ...held, withdrawal: { index, eventId: event.id } })
  }

  private takeClaim(index: number, event: LedgerEvent): void {
    const finding = String(event.subject)
    const held = this.findings.get(finding)
    const windowFrom = String(event.windowfrom)
    const claim = { index, eventId: event.id, windowFrom, claimDigest: digestOf(event.data.claim as Json) }
    const slot = slotOf(windowFrom, stateOf(event)!)
    this.findings.set(finding, {
      source: event.source,
      dataset: String(event.dataset),
      metric: String(event.metric),
      withdrawal: held?.withdrawal,
      claims: new Map([...(held?.claims ?? []), [slot, claim]]),
    })
  }
}

/** Name of a window and state within one finding: what supersedes what is decided by it. */
export function slotOf(windowFrom: string, state: string): string {
  return `${windowFrom} ${state}`
}

/** True when a claim was withdrawn after it was told. */
export function isWithdrawn(held: StandingFinding, claim: StandingClaim): boolean {
  return held.withdrawal !== undefined && claim.index < held.withdrawal.index
}

/** The claim of the latest window that stands (of equal windows the later event), or undefined when none does. */
export function lastStanding(held: StandingFinding): StandingClaim | undefined {
  let last: StandingClaim | undefined
  for (const claim of held.claims.values()) {
    if (isWithdrawn(held, claim)) continue
    if (last === undefined || isLater(claim, last)) last = claim
  }
  return last
}

function isLater(a: StandingClaim, b: StandingClaim): boolean {
  return a.windowFrom === b.windowFrom ? a.index > b.index : a.windowFrom > b.windowFrom
}

function publicationKey(dataset: string, source: string, snapshot: number): string {
  return `${dataset}/${source}@${snapshot}`
}
