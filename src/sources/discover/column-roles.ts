import type { PublishedColumn } from '../source.js'

/** What columns of a table may serve for, guessed from names and types; a person checks it. */
export interface ColumnRoles {
  /** Holds the council district or ward. */
  readonly division?: string
  /** Latitude and longitude in two columns, or a point in one. */
  readonly point?: { readonly latitude: string; readonly longitude: string } | { readonly location: string }
  /** When the matter began: opened, created, requested, occurred. */
  readonly opened?: string
  readonly closed?: string
  /** What kind of matter it is. */
  readonly category?: string
  readonly status?: string
  /** Identifies a row. */
  readonly key?: string
}

/** Names are compared in lower case with one `_` between words; earlier patterns win over later ones. */
const DIVISION: readonly RegExp[] = [
  /council.*(dist|ward)|(dist|ward).*council/,
  /supervisor.*dist|aldermanic|alder_?dist/,
  /^(cd|wards?|council|cncl_?dist)(_(no|num|number|name))?$/,
  /^districts?(_(no|num|number|name))?$/,
]
/** Other bodies' districts, which look like a council's. */
const OTHER_DISTRICTS =
  /police|fire|school|public_works|pwd|traffic|zoning|congress|senate|house|assembly|judicial|water|tax|historic|business|member|person/
const DATE_TYPES = /date|time/i
const DATE_NAMES = /(^|_)(date|time|dt|datetime|timestamp|at|on)($|_)|date$|time$/
const OPENED: readonly RegExp[] = [
  /(open|creat|request|submit|receiv|report|add|initiat|entered|logged)/,
  /(occur|incident|start|begin|issue|filed|violation|inspection|crash|call)/,
]
const CLOSED = /(clos|resol|complet|finish|final|expir)/
const NOT_OPENED = /(clos|resol|complet|updat|modif|edit|due|target|expir|expected|sla|export|load)/
const LATITUDE = /^(lat|latitude|y_?lat|point_y|geo_lat)$/
const LONGITUDE = /^(lon|long|lng|longitude|x_?long?|point_x|geo_long?)$/
const POINT_TYPES = /^(point|location|geo_point_2d|esriGeometryPoint|geometry)$/i
const CATEGORY: readonly RegExp[] = [
  /^(service_name|request_type|sr_type|complaint_type|service_request_type|issue_type|case_topic|servicecodedescription)(_desc|_description)?$/,
  /(type|category|topic)(_desc(ription)?)?$/,
  /(problem|offense|reason|subject|descript(ion|or))$/,
]
const STATUS = /(^|_)(status|state)($|_)|status$/
const KEY: readonly RegExp[] = [
  /^(service_?request|sr|case|request|incident|permit|unique|enquiry|crash|report|record)_?(enquiry_)?(id|no|num|number|key)$/,
  /(unique_key|_id|_number|_no|id)$/,
]

/** The roles of a table's columns. */
export function rolesOf(columns: readonly PublishedColumn[]): ColumnRoles {
  const known = columns.map((column) => ({ ...column, plain: plainName(column.name) }))
  const named = (pattern: RegExp, fits: (column: (typeof known)[number]) => boolean = () => true) =>
    known.find((column) => pattern.test(column.plain) && fits(column))?.name
  const first = (patterns: readonly RegExp[], fits?: (column: (typeof known)[number]) => boolean) =>
    patterns.map((pattern) => named(pattern, fits)).find((name) => name !== undefined)
  const isDate = ({ plain, type }: { plain: string; type?: string }) =>
    DATE_TYPES.test(type ?? '') ||
    (type === undefined ? DATE_NAMES.test(plain) : /text|string/i.test(type) && DATE_NAMES.test(plain))
  const dates = known.filter(isDate)
  const opened =
    first(OPENED, (column) => isDate(column) && !NOT_OPENED.test(column.plain)) ??
    dates.find(({ plain }) => !NOT_OPENED.test(plain))?.name
  const [latitude, longitude] = [named(LATITUDE), named(LONGITUDE)]
  const location = known.find(({ type }) => POINT_TYPES.test(type ?? ''))?.name
  const isText = (column: { plain: string; type?: string }) => !isDate(column)
  return defined({
    division: first(
      DIVISION,
      ({ plain, type }) => !OTHER_DISTRICTS.test(plain) && !POINT_TYPES.test(type ?? ''),
    ),
    point: latitude && longitude ? { latitude, longitude } : location ? { location } : undefined,
    ...{ opened, closed: named(CLOSED, isDate), category: first(CATEGORY, isText) },
    ...{ status: named(STATUS, isText), key: first(KEY, isText) },
  })
}

/** `SRCreatedDate`, `Created Date` and `created_date` are one name. */
function plainName(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase()
}

function defined(roles: { [Role in keyof ColumnRoles]: ColumnRoles[Role] | undefined }): ColumnRoles {
  return Object.fromEntries(Object.entries(roles).filter(([, value]) => value !== undefined))
}
