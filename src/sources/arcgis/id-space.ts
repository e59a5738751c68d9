import { memberOf } from '../exact-json.js'
import { type Asker, countIn, countRows, idsIn, oidsOfRows, type Span, spanIn } from './ask-layer.js'
import type { Layer } from './layer.js'
import { above, below, between } from './query.js'

/** More probes than this are no polite way to find out how ids lie. */
const MAX_PROBES = 20_000

/** The server does not take a condition on ids: what it says then is no answer to "are there rows". */
class Refused extends Error {}

/** Questions about the object ids of a layer's rows. */
export class IdSpace {
  private probes = 0
  /** Rows at which an answer counts as cut off: what the layer says, or fewer where it was seen to give fewer. */
  private cap: number

  constructor(
    private readonly asker: Asker,
    private readonly layer: Layer,
    private readonly oid: string,
    private readonly where: string,
    private readonly count: number | undefined,
  ) {
    this.cap = layer.maxRecordCount
  }

  /** Whether the server really sorts by object id: the first id downwards is above the first id upwards, unless there is but one. */
  async isOrdered(): Promise<boolean> {
    if (this.count === 0) return true
    const [highest] = await this.firstOids('DESC')
    const [lowest] = await this.firstOids('ASC')
    if (highest === undefined || lowest === undefined || highest < lowest) return false
    if (highest > lowest || this.count === 1) return true
    if (this.count !== undefined || this.cap === 1) return false // one row an answer, and not the only one as far as is known
    return (await unlessRefused(this.rowsIn(this.where)))?.ids.length === 1
  }

  /** Most rows that an answer really has, where that can be seen: many servers do not say it, some say more than they give. */
  async rowsAnAnswer(): Promise<number> {
    const shown = (await unlessRefused(this.rowsIn(this.where)))?.ids.length ?? 0
    const isAll = this.count !== undefined && shown >= this.count
    if (shown > 0 && !isAll) this.cap = Math.min(this.cap, shown)
    return this.cap
  }

  /** Lowest and highest id by statistics; undefined when the server has none or they do not stand up to a check. */
  async spanByStatistics(): Promise<Span | undefined> {
    const statistic = (statisticType: string) => ({
      statisticType,
      onStatisticField: this.oid,
      outStatisticFieldName: `THE_${statisticType.toUpperCase()}`,
    })
    const outStatistics = JSON.stringify([statistic('min'), statistic('max')])
    const span = spanIn(await this.asker.maybe(this.layer.url, { where: this.where, outStatistics }))
    return span !== undefined && (await unlessRefused(this.holds(span))) === true ? span : undefined
  }

  /** All ids in order; undefined when the server gives none, fewer than it counts, or not the outermost. */
  async all(): Promise<readonly bigint[] | undefined> {
    const ids = idsIn(await this.asker.maybe(this.layer.url, { where: this.where, returnIdsOnly: 'true' }))
    const [min, max] = [ids?.[0], ids?.at(-1)]
    if (ids === undefined || min === undefined || max === undefined) return undefined
    if (this.count !== undefined && ids.length < this.count) return undefined
    return (await unlessRefused(this.holds({ min, max }))) === true ? ids : undefined
  }

  /** Lowest and highest id by asking where rows are; undefined when the server does not take conditions on ids. */
  spanBySearch(): Promise<Span | undefined> {
    return unlessRefused(this.search())
  }

  private async search(): Promise<Span | undefined> {
    const known = (await this.rowsIn(this.where)).ids[0]
    if (known === undefined || (await this.hasRows(this.between(known + 1n, known - 1n)))) return undefined
    const max = await this.farthest(known, 1n)
    const min = await this.farthest(known, -1n)
    return { min, max }
  }

  /**
   * Intervals of ids, each with at most so many rows, by halving; without the empty ones.
   * @returns undefined when it takes too many questions
   */
  halve(span: Span, maxRows: number): Promise<readonly (readonly [bigint, bigint])[] | undefined> {
    return unlessRefused(this.halves(span, maxRows))
  }

  private async halves(
    span: Span,
    maxRows: number,
  ): Promise<readonly (readonly [bigint, bigint])[] | undefined> {
    const open: (readonly [bigint, bigint])[] = [[span.min, span.max]]
    const done: (readonly [bigint, bigint])[] = []
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const [from, through] = next
      const fits = through - from < BigInt(maxRows)
      const rows = fits ? 1 : await this.sizeOf(this.between(from, through))
      if (rows > maxRows) {
        const middle = from + (through - from) / 2n
        open.push([middle + 1n, through], [from, middle])
      } else if (rows > 0) done.push(next)
      if (this.probes > MAX_PROBES) return undefined
    }
    return done
  }

  /** Whether rows lie at both ends of a span and none outside it. */
  private async holds({ min, max }: Span): Promise<boolean> {
    if (this.count !== undefined && BigInt(this.count) > max - min + 1n) return false
    if (!(await this.hasRows(this.between(min, min))) || !(await this.hasRows(this.between(max, max))))
      return false
    return !(await this.hasRows(this.beyond(min, -1n))) && !(await this.hasRows(this.beyond(max, 1n)))
  }

  /** The outermost id in a direction: steps that double until nothing lies beyond, then halves. */
  private async farthest(known: bigint, direction: 1n | -1n): Promise<bigint> {
    const beyond = (at: bigint) => this.hasRows(this.beyond(at, direction))
    let step = 1n
    while (await beyond(known + direction * step)) step *= 2n
    let [inside, outside] = [step === 1n ? 0n : step / 2n, step] // rows lie beyond `inside`, none beyond `outside`
    if (step === 1n && !(await beyond(known))) return known
    while (outside - inside > 1n) {
      const middle = inside + (outside - inside) / 2n
      if (await beyond(known + direction * middle)) inside = middle
      else outside = middle
    }
    return known + direction * outside
  }

  private beyond(at: bigint, direction: 1n | -1n): string {
    return direction > 0n ? above(this.where, this.oid, at) : below(this.where, this.oid, at)
  }

  private between(from: bigint, through: bigint): string {
    return between(this.where, this.oid, from, through)
  }

  private async hasRows(where: string): Promise<boolean> {
    return (await this.sizeOf(where)) > 0
  }

  /** Rows under a condition: the server's count, else the rows of an answer, where a full one counts as too many. */
  private async sizeOf(where: string): Promise<number> {
    const counted = this.count === undefined ? undefined : await this.counted(where)
    if (counted !== undefined) return counted
    const { ids, isCut } = await this.rowsIn(where)
    return isCut ? Number.POSITIVE_INFINITY : ids.length
  }

  private counted(where: string): Promise<number | undefined> {
    this.probes++
    return countRows(this.asker, this.layer.url, where)
  }

  private async rowsIn(where: string) {
    this.probes++
    const json = await this.asker.maybe(this.layer.url, {
      where,
      outFields: this.oid,
      returnGeometry: 'false',
    })
    if (!Array.isArray(memberOf(json, 'features'))) throw new Refused()
    const ids = oidsOfRows(json, this.oid)
    const isCut = memberOf(json, 'exceededTransferLimit') === true || ids.length >= this.cap
    return { ids, isCut }
  }

  private async firstOids(direction: 'ASC' | 'DESC'): Promise<readonly (bigint | undefined)[]> {
    const json = await this.asker.maybe(this.layer.url, {
      where: this.where,
      outFields: this.oid,
      returnGeometry: 'false',
      orderByFields: `${this.oid} ${direction}`,
      resultOffset: '0',
      resultRecordCount: '1',
    })
    return countIn(json) === undefined ? oidsOfRows(json, this.oid) : []
  }
}

async function unlessRefused<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (thrown) {
    if (thrown instanceof Refused) return undefined
    throw thrown
  }
}
