import { type CatalogEntry, describedBy } from '../catalog.js'
import { type PortalTools, tokenOf } from '../portal-tools.js'
import { instantOf } from './dataset.js'
import { OpendatasoftPortal } from './portal.js'

/** What a portal lists: every dataset with its columns. @param tokenVariable environment variable of the API key */
export async function* opendatasoftCatalog(
  portal: string,
  tools: PortalTools,
  { tokenVariable = 'ODS_API_KEY' }: { readonly tokenVariable?: string } = {},
): AsyncIterable<CatalogEntry> {
  const address = portal.replace(/\/+$/, '')
  const listed = new OpendatasoftPortal(address, tools, tokenOf(tools, tokenVariable)).datasets()
  for await (const { id, title, description, columns, rows, processedAt, modifiedAt } of listed) {
    const updatedAt = instantOf(processedAt ?? modifiedAt)
    yield {
      ...{ id, name: title, columns, kind: 'dataset', family: 'opendatasoft' },
      ...describedBy(description?.replaceAll(/<[^>]*>/g, ' ')),
      ...(rows === undefined ? {} : { rows }),
      ...(updatedAt === undefined ? {} : { updatedAt }),
      link: `${address}/explore/dataset/${encodeURIComponent(id)}/`,
    }
  }
}
