import type { FakeObject } from './objects.js'

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/'

/** An error body as S3 writes it; with what a refusal repeats of the request, which callers must not show. */
export function errorXml(code: string, message: string, repeated: Record<string, string> = {}): string {
  const details = Object.entries(repeated).map(([name, text]) => `<${name}>${escapeXml(text)}</${name}>`)
  return (
    `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message>` +
    `${details.join('')}<RequestId>fake</RequestId></Error>`
  )
}

/** One page of a listing. */
export interface ListPage {
  readonly bucket: string
  readonly prefix: string
  readonly entries: readonly (readonly [name: string, object: FakeObject])[]
  readonly maxKeys: number
  readonly next: string | undefined
  readonly isUrlEncoded: boolean
}

/** The body of a `list-type=2` answer. @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
export function listXml({ bucket, prefix, entries, maxKeys, next, isUrlEncoded }: ListPage): string {
  const say = (name: string) => (isUrlEncoded ? urlEncode(name) : escapeXml(name))
  const contents = entries.map(
    ([name, { etag, bytes, modifiedAt }]) =>
      `<Contents><Key>${say(name)}</Key><LastModified>${modifiedAt.toISOString()}</LastModified>` +
      `<ETag>${escapeXml(etag)}</ETag><Size>${bytes.length}</Size><StorageClass>STANDARD</StorageClass></Contents>`,
  )
  return (
    `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="${NAMESPACE}">` +
    `<Name>${bucket}</Name><Prefix>${say(prefix)}</Prefix><KeyCount>${entries.length}</KeyCount>` +
    `<MaxKeys>${maxKeys}</MaxKeys>${isUrlEncoded ? '<EncodingType>url</EncodingType>' : ''}` +
    `<IsTruncated>${next !== undefined}</IsTruncated>` +
    `${next === undefined ? '' : `<NextContinuationToken>${next}</NextContinuationToken>`}${contents.join('')}</ListBucketResult>`
  )
}

/** The body of the answer that begins a multipart upload. */
export function beginXml(bucket: string, name: string, uploadId: string): string {
  return (
    `<?xml version="1.0" encoding="UTF-8"?>\n<InitiateMultipartUploadResult xmlns="${NAMESPACE}">` +
    `<Bucket>${bucket}</Bucket><Key>${escapeXml(name)}</Key><UploadId>${uploadId}</UploadId></InitiateMultipartUploadResult>`
  )
}

/** The body of the answer that completes one. */
export function completeXml(bucket: string, name: string, etag: string): string {
  return (
    `<?xml version="1.0" encoding="UTF-8"?>\n<CompleteMultipartUploadResult xmlns="${NAMESPACE}">` +
    `<Bucket>${bucket}</Bucket><Key>${escapeXml(name)}</Key><ETag>${escapeXml(etag)}</ETag></CompleteMultipartUploadResult>`
  )
}

/** S3 keeps `/` and writes a blank as `+`. */
function urlEncode(name: string): string {
  return encodeURIComponent(name).replaceAll('%2F', '/').replaceAll('%20', '+')
}

function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
