import type { LegistarSourceConfig } from '../../contracts/sources/legistar.js'

export type LegistarRecords = LegistarSourceConfig['records']

/** Records that have a list of their own. */
export interface ListedKind {
  readonly path: string
  /** Column that is unique and goes up: pages are read in its order. */
  readonly id: string
  /** Column with the day that `since` is compared with; undefined: `since` does not narrow the list. */
  readonly date?: string
  /**
   * Columns with times of UTC of which one moves when a record changes; the first is the database's own. It does not move with an agenda or minutes
   * that are published, nor with all dates of a matter [S: python-legistar-scraper]. The API takes 16 comparisons in a filter, and each column
   * here takes up to three.
   */
  readonly changes: readonly [string, ...string[]]
}

/** Records that are only listed below another one, each with the id of that one as a column. */
export interface NestedKind {
  readonly parents: ListedKind
  /** From a listed record down to these: one step, or two for votes, which stand below the items of an event. */
  readonly steps: readonly NestedStep[]
  /** Listed records whose lists make one page: so many requests or more for it, so much is read again after a break. */
  readonly parentsAPage: number
}

export interface NestedStep {
  /** Address of the list below a record. */
  path(parent: string): string
  /** Column with the id of a record of the list. */
  readonly id: string
  /** Column that is added to each record: the id of the record above it. */
  readonly parentId: string
}

const EVENTS: ListedKind = {
  ...{ path: 'events', id: 'EventId', date: 'EventDate' },
  changes: ['EventLastModifiedUtc', 'EventAgendaLastPublishedUTC', 'EventMinutesLastPublishedUTC'],
}
const MATTERS: ListedKind = {
  ...{ path: 'matters', id: 'MatterId', date: 'MatterIntroDate' },
  changes: [
    ...(['MatterLastModifiedUtc', 'MatterIntroDate', 'MatterAgendaDate'] as const),
    ...(['MatterPassedDate', 'MatterEnactmentDate'] as const),
  ],
}

const EVENT_ITEMS: NestedStep = {
  path: (event) => `events/${event}/eventitems?AgendaNote=1&MinutesNote=1&Attachments=1`,
  id: 'EventItemId',
  parentId: 'EventId',
}
const VOTES: NestedStep = {
  path: (item) => `eventitems/${item}/votes`,
  id: 'VoteId',
  parentId: 'EventItemId',
}

function belowMatters(path: string, id: string): NestedKind {
  const step = { path: (matter: string) => `matters/${matter}/${path}`, id, parentId: 'MatterId' }
  return { parents: MATTERS, steps: [step], parentsAPage: 50 }
}

/** How each kind of record is listed. */
export const KINDS: Readonly<Record<LegistarRecords, ListedKind | NestedKind>> = {
  bodies: { path: 'bodies', id: 'BodyId', changes: ['BodyLastModifiedUtc'] },
  persons: { path: 'persons', id: 'PersonId', changes: ['PersonLastModifiedUtc'] },
  officerecords: { path: 'officerecords', id: 'OfficeRecordId', changes: ['OfficeRecordLastModifiedUtc'] },
  events: EVENTS,
  matters: MATTERS,
  eventitems: { parents: EVENTS, steps: [EVENT_ITEMS], parentsAPage: 25 },
  votes: { parents: EVENTS, steps: [EVENT_ITEMS, VOTES], parentsAPage: 5 },
  histories: belowMatters('histories', 'MatterHistoryId'),
  sponsors: belowMatters('sponsors', 'MatterSponsorId'),
}

export function isNested(kind: ListedKind | NestedKind): kind is NestedKind {
  return 'parents' in kind
}

/** Column with the id of the records themselves. */
export function idOf(kind: ListedKind | NestedKind): string {
  return isNested(kind) ? (kind.steps.at(-1) as NestedStep).id : kind.id
}
