import { z } from 'zod'
import { unusable } from '../http/read-json.js'

const text = z.string().nullish()

/** What of a resource decides how it is read. Everything but the id may be missing, and much of it is often wrong. */
export const Resource = z.object({
  id: z.string(),
  name: text,
  description: text,
  url: text,
  url_type: text,
  format: text,
  state: text,
  datastore_active: z.boolean().nullish(),
  datastore_contains_all_records_of_source_file: z.boolean().nullish(),
  created: text,
  last_modified: text,
  metadata_modified: text,
  hash: text,
  size: z.union([z.number(), z.string()]).nullish(),
  package_id: text,
})
export type Resource = z.infer<typeof Resource>

export const Package = z.object({
  id: z.string(),
  name: text,
  title: text,
  notes: text,
  license_id: text,
  license_title: text,
  metadata_modified: text,
  resources: z.array(Resource).default([]),
})
export type Package = z.infer<typeof Package>

export const Found = z.object({ count: z.number(), results: z.array(Package) })

/** What `datastore_search` says around its rows. */
export const Datastore = z.object({
  fields: z.array(
    z.object({
      id: z.string(),
      type: z.string().default('text'),
      info: z.object({ label: text, notes: text, type_override: text }).nullish(),
    }),
  ),
  total: z.number().nullish(),
  total_was_estimated: z.boolean().nullish(),
  records_format: text,
})
export type Datastore = z.infer<typeof Datastore>

/**
 * Reads the result of an action.
 * @param url of the answer, for errors
 * @throws WardbookError 'portal-answer-unusable' (fix-source) when it is something else
 */
export function parseResult<Shape>(shape: z.ZodType<Shape>, result: unknown, url: string): Shape {
  const read = shape.safeParse(result)
  if (read.success) return read.data
  throw unusable(url, `is not what CKAN answers: ${z.prettifyError(read.error)}`, { remedy: 'fix-source' })
}

/** Whether a resource has a file to read; one that was made through the datastore's API has none. */
export function hasFile({ url, url_type }: Resource): boolean {
  return url_type !== 'datastore' && url != null && url !== '' && url !== '_datastore_only_resource'
}

/** An instant as CKAN writes it, UTC without a zone, as ISO 8601. @returns undefined when it is none */
export function instantOf(written: string | null | undefined): string | undefined {
  if (written == null) return undefined
  const at = Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(written) ? written : `${written}Z`)
  return Number.isNaN(at) ? undefined : new Date(at).toISOString()
}
