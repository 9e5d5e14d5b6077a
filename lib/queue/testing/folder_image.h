// A folder's files as text: held against a golden file, spoiled byte by byte, put into a storage.
//
// As text a file is its name and size, then the rows of 16 bytes that are not all zero:
//
//   0000000000000000.log 2048
//   000000 50 4c 4f 47 01 00 00 00 …
//
// Threads: loop.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "lib/fs/storage.h"

namespace postern::queue {

using FolderImage = std::map<std::string, std::string>;  // name to bytes

// Every file but the lock.
FolderImage ReadImage(fs::Folder& folder);
// `folder` is empty.
void WriteImage(const FolderImage& image, fs::Folder& folder);

std::string PrintImage(const FolderImage& image);
FolderImage ParseImage(std::string_view text);

}  // namespace postern::queue
