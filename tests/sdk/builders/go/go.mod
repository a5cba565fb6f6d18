module emit

go 1.22

require github.com/conductor-sdk/conductor-go v1.5.4
