module github.com/mediahooks/mediahooks

go 1.26
