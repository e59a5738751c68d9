import type { Json } from '../../../kernel/ids.js'

/** What a server of some version can do, and how it answers. */
export interface ArcgisVariant {
  readonly version: number | undefined
  /** Most rows that an answer has. */
  readonly maxRecordCount: number
  /** False: metadata does not say it, as on 10.0. */
  readonly saysMaxRecordCount: boolean
  /** `resultOffset` and `resultRecordCount`; a server without ignores both. */
  readonly pagination: boolean
  /** `orderByFields`; a server without gives rows in its own order. */
  readonly ordering: boolean
  /** The order of rows when none is asked for, or none is known: by object id, or beginning in the middle. */
  readonly ownOrder: 'by-id' | 'from-middle'
  /** False: an error object for `outStatistics`. */
  readonly statistics: boolean
  /** Under which names statistics come: as asked, or as SQL [R: Tuolumne]. */
  readonly statisticsNames: 'as-asked' | 'sql'
  /** False: `returnCountOnly` is ignored and rows come [R: Cook County]. */
  readonly counts: boolean
  /** False: `returnIdsOnly` is ignored. */
  readonly lists: boolean
  /** When an answer has `exceededTransferLimit`. */
  readonly flag: 'when-true' | 'always' | 'never'
  /** False: metadata does not name the field of the object id. */
  readonly namesObjectId: boolean
  /** Object id of a row by its number; undefined: the layer has none. */
  readonly objectId: ((row: number) => bigint) | undefined
  /** Column whose cells are the geometry of rows, as JSON: a point of longitude `x` and latitude `y`. */
  readonly geometryColumn: string | undefined
  /** Column in which the server writes when a row was last edited; undefined: it does not track editors. */
  readonly editDateField: string | undefined
  /** Coded values of columns. */
  readonly domains: Readonly<Record<string, readonly { readonly code: Json; readonly name: string }[]>>
  /** Subtypes that rows have by the code in a column; in each, columns may have other coded values. */
  readonly subtypes: ArcgisSubtypes | undefined
  /** How often the site of the layer answers that it is still making a download, before it gives it. */
  readonly hubMakes: number
  /** Without this token every request is refused with error 499, with another one with 498. */
  readonly token: string | undefined
}

/** Subtypes of a layer, as its metadata has them. */
export interface ArcgisSubtypes {
  readonly column: string
  /** Under which names metadata says them. */
  readonly said: 'types' | 'subtypes'
  readonly types: readonly {
    readonly code: Json
    readonly name: string
    /** By column, `inherited` or coded values; a column that is not named has its own. */
    readonly domains: Readonly<
      Record<string, 'inherited' | readonly { readonly code: Json; readonly name: string }[]>
    >
  }[]
}

/** A hosted layer of today. */
export const HOSTED: ArcgisVariant = {
  version: 11.3,
  maxRecordCount: 2_000,
  saysMaxRecordCount: true,
  pagination: true,
  ordering: true,
  ownOrder: 'from-middle',
  statistics: true,
  statisticsNames: 'as-asked',
  counts: true,
  lists: true,
  flag: 'when-true',
  namesObjectId: true,
  objectId: (row) => BigInt(row + 1),
  geometryColumn: undefined,
  editDateField: undefined,
  domains: {},
  subtypes: undefined,
  hubMakes: 0,
  token: undefined,
}

/** A server of 10.1: statistics under SQL names, no pages, no flag. */
export const SERVER_10_1: ArcgisVariant = {
  ...HOSTED,
  version: 10.11,
  pagination: false,
  ordering: false,
  statisticsNames: 'sql',
  flag: 'never',
  namesObjectId: false,
}

/** A server of 10.0: neither statistics nor pages, and its limit is not told. */
export const SERVER_10_0: ArcgisVariant = {
  ...SERVER_10_1,
  version: 10,
  maxRecordCount: 500,
  saysMaxRecordCount: false,
  statistics: false,
}

/** A server that knows only rows and conditions: count and ids are ignored. */
export const ROWS_ONLY: ArcgisVariant = { ...SERVER_10_0, version: undefined, counts: false, lists: false }

/** How a server misbehaves on one request, beyond what its variant does. */
export interface ArcgisMisbehavior {
  /** Gives at most so many rows; the flag says so unless `dropFlag`. */
  readonly capRows?: number
  readonly dropFlag?: boolean
  /** Rows in another order than asked. */
  readonly reorder?: boolean
  /** The count is off by so many. */
  readonly countOff?: number
  /** Only the first so many ids are listed. */
  readonly listedIds?: number
  /** Ignores the condition. */
  readonly ignoreWhere?: boolean
  /** An empty page that says there is more. */
  readonly emptyWithFlag?: boolean
  /** An error object with status 200. */
  readonly error?: { readonly code: number; readonly message: string }
}
