import { memberOf } from '../exact-json.js'
import { pageAnswer } from '../http/page-answer.js'
import type { JsonFormat } from '../page-format.js'
import type { PageAnswer, PageRequest, PageSignals, SkippedRecord } from '../source.js'
import { demandRise, type LegistarApi, permanentReason, type RawRecord } from './ask-records.js'
import type { NestedKind, NestedStep } from './kinds.js'

/** Records below others, put together from many lists: each in the text that was sent, beside the id of the record above it. */
export const NESTED_FORMAT: JsonFormat = {
  kind: 'json',
  rowsAt: ['rows'],
  cells: 'object',
  spread: ['record'],
}

/**
 * One page of records that are listed below others. The request is the list of some records above; their lists are asked for one by one and
 * put together: `{"rows":[{"MatterId":1,"record":{…}}],"parents":{"number":50,"last":"1"},"skipped":[…]}`. A list that the portal itself
 * cannot give stands in `skipped`, never silently left out.
 * @throws WardbookError 'source-not-found' in the body when every list is gone; the errors of `HttpClient.send`
 */
export async function fetchNestedPage(
  api: LegistarApi,
  kind: NestedKind,
  request: PageRequest,
): Promise<PageAnswer> {
  const { answer, records } = await api.records(request.url, kind.parents.id)
  demandRise(records, kind.parents.id, request.url)
  return { ...pageAnswer(answer), bytes: bodyOf(api, kind, records) }
}

async function* bodyOf(
  api: LegistarApi,
  kind: NestedKind,
  parents: readonly RawRecord[],
): AsyncIterable<Uint8Array> {
  const lists = new Lists(api)
  let mark = ''
  yield Buffer.from('{"rows":[')
  for (const parent of parents) {
    for await (const { record, step, above } of lists.below(parent, kind.steps)) {
      yield Buffer.from(`${mark}\n{"${step.parentId}":${above},"record":${record.text}}`)
      mark = ','
    }
  }
  lists.demandOne()
  const told = { number: parents.length, last: parents.at(-1)?.id ?? null, skipped: lists.skipped.length }
  yield Buffer.from(`\n],"parents":${JSON.stringify(told)},"skipped":${JSON.stringify(lists.skipped)}}\n`)
}

interface Below {
  readonly record: RawRecord
  readonly step: NestedStep
  readonly above: string
}

/** Asks for the lists of one page and keeps which could not be given. */
class Lists {
  readonly skipped: SkippedRecord[] = []
  private given = 0
  private lastGone: unknown

  constructor(private readonly api: LegistarApi) {}

  async *below(parent: RawRecord, [step, ...further]: readonly NestedStep[]): AsyncIterable<Below> {
    if (step === undefined) return
    for (const record of await this.list(parent.id, step)) {
      if (further.length === 0) yield { record, step, above: parent.id }
      else if (mayHaveVotes(record)) yield* this.below(record, further)
    }
  }

  /** Every list gone is no accident of single records: the route is closed, or the address wrong. */
  demandOne(): void {
    if (this.given === 0 && this.lastGone !== undefined) throw this.lastGone
  }

  private async list(above: string, step: NestedStep): Promise<readonly RawRecord[]> {
    try {
      const records = await this.api.all(step.path(above), step.id)
      this.given += 1
      return records
    } catch (thrown) {
      const reason = permanentReason(thrown)
      if (reason === undefined) throw thrown
      if (reason === 'gone') this.lastGone = thrown
      else this.given += 1
      this.skipped.push({ id: `${step.parentId} ${above}`, reason })
      return []
    }
  }
}

/** Nothing was decided on an item without action, result, roll call and tally: there are no votes to ask for. */
function mayHaveVotes({ json }: RawRecord): boolean {
  const marks = [
    'EventItemActionId',
    'EventItemActionName',
    'EventItemPassedFlag',
    'EventItemRollCallFlag',
    'EventItemTally',
  ]
  return marks.some((name) => ![undefined, null, 0, ''].includes(memberOf(json, name) as never))
}

/** The records of a page that the portal could not give. */
export function skippedOf({ envelope }: PageSignals): readonly SkippedRecord[] {
  const skipped = memberOf(envelope, 'skipped')
  const number = Number(memberOf(envelope, 'parents', 'skipped') ?? 0)
  if (Array.isArray(skipped)) return skipped as unknown as readonly SkippedRecord[]
  return number === 0
    ? []
    : [{ id: `${number} records`, reason: 'their list is too long to be kept; the page has it' }]
}
