import { crc32, deflateRawSync } from 'node:zlib'

/** A member of an archive to be written. */
export interface ZipMember {
  readonly name: string
  readonly content: string | Uint8Array
  /** Sizes and checksum stand behind the data, as streaming writers put them. */
  readonly descriptor?: boolean
  /** Sizes and offsets stand in a zip64 field. */
  readonly zip64?: boolean
  readonly stored?: boolean
  /** Checksum to tell in place of the true one. */
  readonly crc?: number
}

/** A zip archive, written by hand so that each form of it can be made. @see PKWARE APPNOTE 6.3 */
export function zipOf(members: readonly ZipMember[]): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const member of members) {
    const written = localPart(member)
    directory.push(directoryEntry(member, written, offset))
    parts.push(written.bytes)
    offset += written.bytes.length
  }
  const entries = Buffer.concat(directory)
  return Buffer.concat([...parts, entries, ...endOf(members, entries.length, offset)])
}

interface LocalPart {
  readonly bytes: Buffer
  readonly crc: number
  readonly packed: number
  readonly size: number
}

function localPart(member: ZipMember): LocalPart {
  const content = Buffer.from(member.content as string)
  const data = member.stored ? content : deflateRawSync(content)
  const crc = member.crc ?? crc32(content)
  const name = Buffer.from(member.name)
  const header = Buffer.alloc(30)
  header.writeUInt32LE(0x04034b50, 0)
  header.writeUInt16LE(member.zip64 ? 45 : 20, 4)
  header.writeUInt16LE(0x800 | (member.descriptor ? 8 : 0), 6)
  header.writeUInt16LE(member.stored ? 0 : 8, 8)
  if (!member.descriptor) {
    header.writeUInt32LE(crc, 14)
    header.writeUInt32LE(data.length, 18)
    header.writeUInt32LE(content.length, 22)
  }
  header.writeUInt16LE(name.length, 26)
  const descriptor = Buffer.alloc(member.descriptor ? 16 : 0)
  if (member.descriptor) {
    descriptor.writeUInt32LE(0x08074b50, 0)
    descriptor.writeUInt32LE(crc, 4)
    descriptor.writeUInt32LE(data.length, 8)
    descriptor.writeUInt32LE(content.length, 12)
  }
  return {
    bytes: Buffer.concat([header, name, data, descriptor]),
    crc,
    packed: data.length,
    size: content.length,
  }
}

function directoryEntry(member: ZipMember, { crc, packed, size }: LocalPart, offset: number): Buffer {
  const name = Buffer.from(member.name)
  const extra = member.zip64 ? zip64Field(size, packed, offset) : Buffer.alloc(0)
  const entry = Buffer.alloc(46)
  entry.writeUInt32LE(0x02014b50, 0)
  entry.writeUInt16LE(45, 4)
  entry.writeUInt16LE(member.zip64 ? 45 : 20, 6)
  entry.writeUInt16LE(0x800 | (member.descriptor ? 8 : 0), 8)
  entry.writeUInt16LE(member.stored ? 0 : 8, 10)
  entry.writeUInt32LE(crc, 16)
  entry.writeUInt32LE(member.zip64 ? 0xffffffff : packed, 20)
  entry.writeUInt32LE(member.zip64 ? 0xffffffff : size, 24)
  entry.writeUInt16LE(name.length, 28)
  entry.writeUInt16LE(extra.length, 30)
  entry.writeUInt32LE(member.zip64 ? 0xffffffff : offset, 42)
  return Buffer.concat([entry, name, extra])
}

function zip64Field(size: number, packed: number, offset: number): Buffer {
  const field = Buffer.alloc(28)
  field.writeUInt16LE(1, 0)
  field.writeUInt16LE(24, 2)
  for (const [at, value] of [size, packed, offset].entries())
    field.writeBigUInt64LE(BigInt(value), 4 + at * 8)
  return field
}

function endOf(members: readonly ZipMember[], bytes: number, offset: number): Buffer[] {
  const isZip64 = members.some(({ zip64 }) => zip64)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(members.length, 8)
  end.writeUInt16LE(isZip64 ? 0xffff : members.length, 10)
  end.writeUInt32LE(bytes, 12)
  end.writeUInt32LE(isZip64 ? 0xffffffff : offset, 16)
  return isZip64 ? [...zip64End(members.length, bytes, offset), end] : [end]
}

function zip64End(count: number, bytes: number, offset: number): Buffer[] {
  const record = Buffer.alloc(56)
  record.writeUInt32LE(0x06064b50, 0)
  record.writeBigUInt64LE(44n, 4)
  for (const [at, value] of [count, count, bytes, offset].entries())
    record.writeBigUInt64LE(BigInt(value), 24 + at * 8)
  const locator = Buffer.alloc(20)
  locator.writeUInt32LE(0x07064b50, 0)
  locator.writeBigUInt64LE(BigInt(offset + bytes), 8)
  locator.writeUInt32LE(1, 16)
  return [record, locator]
}
