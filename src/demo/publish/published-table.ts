import { dayAt } from '../city/calendar.js'
import { planOf } from '../city/catalog.js'
import type { PocketCity } from '../city/pocket-city.js'
import { type CityRecord, changedOn, isPublished, type RecordMaker } from '../city/records.js'
import type { PortalCell, PortalColumn, PortalTable } from '../portals/portal-table.js'
import { epochMs } from './cells.js'
import type { Publication } from './publication.js'

/** Days after which the number of published records of a day stays as it is, apart from what is published anew. */
const SETTLED_AFTER_DAYS = 120
/** Portals publish at this second of the next morning. */
export const PUBLISHED_AT_SECOND = 5 * 3_600 + 1_800
/** Records of so many days are kept: pages are read one after the other. */
const DAYS_KEPT = 4

/** A table of a portal that is made from the city when it is asked for: nothing of it is kept but counts. */
export class PublishedTable implements PortalTable {
  private readonly settled = new Map<number, number>()
  private readonly kept = new Map<number, readonly CityRecord[]>()
  private readonly maker: RecordMaker
  private day = -1
  private last: { readonly index: number; readonly day: number; readonly record: CityRecord } | undefined
  private before = new Int32Array()

  constructor(
    city: PocketCity,
    private readonly publication: Publication,
  ) {
    this.maker = city.datasets[publication.dataset].maker
  }

  get id(): string {
    return this.publication.id
  }

  get name(): string {
    return this.publication.name
  }

  get keyColumn(): string {
    return this.publication.keyColumn
  }

  get license(): string {
    return 'CC0-1.0'
  }

  get columns(): readonly PortalColumn[] {
    return this.publication.columns
  }

  /** Publishes what is known on the evening of a day; of an earlier day than before, what was known then. */
  publish(asOf: number): void {
    const day = this.publishedDay(asOf)
    if (day === this.day) return
    if (day < this.day || this.wasReopened(day) !== this.wasReopened(this.day)) this.settled.clear()
    this.day = day
    this.kept.clear()
    const { from, to } = this.publication
    const days = Math.max(0, Math.min(to, day + 1) - from)
    this.before = new Int32Array(days + 1)
    for (let at = 0; at < days; at++)
      this.before[at + 1] = (this.before[at] as number) + this.countOf(from + at)
  }

  get rowCount(): number {
    return this.before.at(-1) ?? 0
  }

  get updatedAt(): number {
    return publishedAt(this.day)
  }

  row(index: number): readonly PortalCell[] {
    const record = this.recordAt(index)
    const published = { record, asOf: this.day }
    return this.publication.columns.map((column) => column.cell(published))
  }

  rowId(index: number): number {
    return this.recordAt(index).serial
  }

  rowUpdatedAt(index: number): number {
    return publishedAt(changedOn(this.recordAt(index), this.day))
  }

  /** A closed year is as it was when it was closed, or published anew. */
  private publishedDay(asOf: number): number {
    const { closedOn = Number.POSITIVE_INFINITY, reopenedOn = [] } = this.publication
    if (asOf <= closedOn) return asOf
    return Math.max(closedOn, ...reopenedOn.filter((day) => day <= asOf))
  }

  private wasReopened(day: number): number {
    return (this.publication.reopenedOn ?? []).filter((on) => on <= day).length
  }

  /** Cells, id and time of a row are asked for one after the other. */
  private recordAt(index: number): CityRecord {
    if (this.last?.index !== index || this.last.day !== this.day)
      this.last = { index, day: this.day, record: this.lookUp(index) }
    return this.last.record
  }

  private lookUp(index: number): CityRecord {
    let [low, high] = [0, this.before.length - 1]
    while (low + 1 < high) {
      const middle = (low + high) >> 1
      if ((this.before[middle] as number) <= index) low = middle
      else high = middle
    }
    return this.recordsOf(this.publication.from + low)[index - (this.before[low] as number)] as CityRecord
  }

  private countOf(day: number): number {
    const known = this.settled.get(day)
    if (known !== undefined) return known
    const count = this.published(day).length
    if (day + SETTLED_AFTER_DAYS < this.day) this.settled.set(day, count)
    return count
  }

  private recordsOf(day: number): readonly CityRecord[] {
    const known = this.kept.get(day)
    if (known !== undefined) return known
    const records = this.published(day)
    this.kept.set(day, records)
    const [oldest] = this.kept.keys()
    if (this.kept.size > DAYS_KEPT && oldest !== undefined) this.kept.delete(oldest)
    return records
  }

  private published(day: number): CityRecord[] {
    const { holds } = this.publication
    return this.maker
      .recordsOf(day)
      .filter((record) => isPublished(record, this.day) && (holds === undefined || holds(record)))
  }
}

/** When the portals published what was known on the evening of a day, milliseconds since 1970. */
export function publishedAt(day: number): number {
  return epochMs({ day: day + 1, second: PUBLISHED_AT_SECOND })
}

/** The id of a record: `SR-0001234`. */
export function recordId(
  publication: { readonly dataset: Publication['dataset'] },
  { serial }: CityRecord,
): string {
  return `${planOf(publication.dataset).prefix}-${String(serial).padStart(7, '0')}`
}

/** The year of a day of the simulation. */
export function yearOf(day: number): number {
  return Number(dayAt(day).slice(0, 4))
}
